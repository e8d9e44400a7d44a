# `make test`: the gate; its rungs are in mk/rungs.txt. Coverage and the end-to-end tests are here too.

.PHONY: test e2e connect pages e2e-asan cover fuzz tsan demo
test: ## the gate: all rungs of mk/rungs.txt; the last line sums them up
	+@tools/run-rungs

e2e: all ## the programs with real servers and strict simulators; T=EXPRESSION chooses tests (pytest -k)
	@tools/run-pytest tests/e2e -m 'not prove' $(if $(T),-k '$(T)')

connect: all ## how servers and people are connected: contracts, flows, attacks, 40,000 repositories (T= as above)
	@tools/run-pytest tests/connect $(if $(T),-k '$(T)')

pages: all ## our pages in a real browser: flows, accessibility, keyboard; pictures in build/pages (T= as above)
	@tools/run-pytest tests/pages $(if $(T),-k '$(T)')

e2e-asan: ## some of these (marker asan) with programs that watch their memory
	+@$(SUB) PROFILE=asan all
	@OHDC_BIN=$(CURDIR)/build/asan/bin tools/run-pytest tests/e2e tests/connect -m asan $(if $(T),-k '$(T)')

cover: ## line and branch coverage of unit and io tests, in build/cover/report
	+@$(SUB) PROFILE=cover unit-build io-build
	@find build/cover -name '*.gcda' -delete
	+@$(SUB) PROFILE=cover unit io || true
	@mkdir -p build/cover/report
	@$(VENV)/gcovr -r . --filter 'common/' --filter 'services/' --filter 'cli/' --merge-mode-functions=merge-use-line-0 \
		--gcov-ignore-errors=source_not_found \
		--print-summary --html-details build/cover/report/index.html build/cover | tail -n 4

FUZZ_SECONDS ?= 60
fuzz: ## each fuzzer of tests/fuzz for FUZZ_SECONDS (60), from the corpus that earlier runs left
	+@$(SUB) PROFILE=fuzz CC=clang fuzz-build
	@tools/run-fuzz $(FUZZ_SECONDS) $(FUZZ_SRCS:tests/fuzz/%.c=%)

tsan: ## unit and io tests under ThreadSanitizer
	@tools/deps-libs build/deps-tsan tsan
	+@$(SUB) PROFILE=tsan unit-build io-build
	@tools/run-tsan

demo: ## the main job on this machine: three asks become conversations and answers (KEEP=1: leave it running)
	+@KEEP=$(KEEP) tests/demo/run
