# The chart of deploy/helm/openhands-dc: its checks (a rung of the gate) and its README.

.PHONY: chart chart-readme
chart: all deps-chart ## the chart: lint, schemas, every switch, Secret, path and edge (T= as above)
	@tools/run-pytest tests/chart $(if $(T),-k '$(T)')
