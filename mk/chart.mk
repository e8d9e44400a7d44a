# The chart of deploy/helm/openhands-dc: its checks (a rung of the gate) and its README.

.PHONY: chart chart-readme
chart: all deps-chart ## the chart: lint, schemas, every switch, Secret, path and edge (T= as above)
	@tools/run-pytest tests/chart $(if $(T),-k '$(T)')
chart-readme: ## the chart's README.md from values.yaml
	$(Q)$(VENV)/python tools/chart-readme >build/chart-readme.md && mv build/chart-readme.md deploy/helm/openhands-dc/README.md
