# `make deps`: everything that building, testing and the demo need, fast where it is there already.

.PHONY: deps deps-debian deps-libs deps-kafka deps-venv deps-chart
deps: deps-debian deps-libs deps-kafka deps-venv deps-chart ## installs packages, builds libraries and Helm, fetches Kafka and Python tools
deps-debian:
	@tools/deps-debian
deps-libs: deps-debian
	@tools/deps-libs $(OHDC_DEPS)
deps-kafka: deps-debian
	@tools/deps-kafka
deps-venv: deps-debian
	@tools/deps-venv
deps-chart: deps-venv
	@tools/deps-chart
