# What is longer than the gate.

.PHONY: bench
bench: all ## CPU per acknowledgement, memory, start time; writes docs/figures.md (needs wrk)
	$(Q)command -v wrk >/dev/null || { echo 'make bench: wrk is not installed (Debian package wrk)' >&2; exit 1; }
	$(Q)$(VENV)/python -m bench.figures

.PHONY: bench-scale
bench-scale: all ## what 1, 2 and 4 replicas of each service do here; writes docs/figures-scale.md (needs wrk)
	$(Q)command -v wrk >/dev/null || { echo 'make bench-scale: wrk is not installed (Debian package wrk)' >&2; exit 1; }
	$(Q)$(VENV)/python -m bench.scale

.PHONY: mutants
mutants: ## breaks one line at a time and shows that the test named in tests/mutations fails; T=TEXT chooses
	$(Q)$(if $(TEST_DATABASE_URL),,tests/run/servers.py run postgres --) tools/mutants '$(T)'

.PHONY: gauntlet
gauntlet: all ## faults of every kind under load, two of each service (about 3 minutes); OHDC_E2E_SEED repeats a run, OHDC_GAUNTLET_ROUNDS lengthens it
	@tools/run-pytest tests/e2e/test_gauntlet.py -s -m prove

.PHONY: image deps-image
image: all ## builds the image without a docker engine, as root, and tests it; result in build/image (T=EXPRESSION: some of the tests)
	+@$(SUB) deps-image
	@[ "$$(id -u)" != 0 ] || tools/image >/dev/null
	@tools/prove 'image$(if $(T), T=$(T))' tools/run-pytest tests/image $(if $(T),-k '$(T)')
deps-image:
	@tools/deps-debian mk/debian-packages-prove.txt
	@tools/deps-venv prove

.PHONY: pods
pods: all ## the rendered pods as real processes, as root: main job, edges, scaling, upgrade and rollback, Secrets; T=EXPRESSION
	+@$(SUB) deps-image
	@tools/deps-chart
	@tools/prove 'pods$(if $(T), T=$(T))' tests/pods/run tests/pods -s --timeout=900 $(if $(T),-k '$(T)')

.PHONY: chart-test deps-prove
deps-prove: ## builds the Kubernetes API and Helm 4 for `make chart-test` (some minutes, once)
	@tools/deps-chart
	@tools/deps-prove
	@tools/deps-strimzi || [ $$? = 3 ]

chart-test: all deps-prove ## the chart with Helm 3 and 4 on a real Kubernetes API: install, upgrade, rollback, scale, drain, uninstall; T=EXPRESSION
	@tools/prove chart-test tests/cluster/run '$(T)'
