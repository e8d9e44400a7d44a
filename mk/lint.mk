# `make lint`: every check also alone as lint-NAME, one line each; unchanged inputs are not checked twice.

VENV := build/venv/bin
STEP := +@tools/lint-step
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
HEADERS = $(shell git ls-files -co --exclude-standard 'common/*.h' 'services/*.h' 'cli/*.h' 'tests/*.h')
SHELL_FILES = $(shell git grep -Il --untracked '^\#!/bin/\(ba\)\?sh')
PYTHON_FILES = $(shell git grep -Il --untracked '^\#!/usr/bin/\(env \)\?python3' ; git ls-files -co --exclude-standard '*.py')
C_INPUTS := '*.c' '*.h' '*.sql' Makefile
SUB = $(MAKE)

# The checks without a compiler first: they answer soonest.
CHECKS := format layers banned ceilings words shell ruff headers gcc clang pure globals hardening docs \
	analyzer cppcheck tidy selftest

.PHONY: lint $(CHECKS:%=lint-%) format objects tidy-all headers-all hardening-all docs-check pure-all globals-all
lint: ## every check (each also alone, e.g. lint-tidy; docs/decisions/0003 lists them)
	@[ -x $(VENV)/python ] || { echo 'lint: run "make deps" first' >&2; exit 1; }
	@mkdir -p build/lint && touch build/lint/started
	@$(SUB) -k $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $(CHECKS:%=lint-%) 2>&1 | grep --line-buffered -v '^make\|^  CC\|^  AR' ; true
	@tools/sum-checks build/lint/started $(CHECKS)

lint-format:
	$(STEP) format '*.c' '*.h' .clang-format -- tools/check-format $(VENV)/clang-format $(C_FILES)
lint-layers:
	$(STEP) layers '*.c' '*.h' -- tools/check-layers
lint-banned:
	$(STEP) banned '*.c' '*.h' -- tools/check-banned
lint-ceilings:
	$(STEP) ceilings '*.c' '*.h' -- $(VENV)/python tools/check-ceilings
lint-words:
	$(STEP) words . -- tools/check-words
lint-shell:
	$(STEP) shell . -- shellcheck $(SHELL_FILES)
lint-ruff:
	$(STEP) ruff . -- $(VENV)/ruff check --no-cache --config mk/ruff.toml $(sort $(PYTHON_FILES))
lint-headers:
	$(STEP) headers '*.h' -- $(SUB) headers-all
lint-gcc:
	$(STEP) gcc $(C_INPUTS) -- $(SUB) PROFILE=release CC=gcc all objects
lint-clang:
	$(STEP) clang $(C_INPUTS) -- $(SUB) PROFILE=release CC=clang all objects
lint-pure: lint-gcc
	$(STEP) pure $(C_INPUTS) -- $(SUB) pure-all
lint-globals: lint-gcc
	$(STEP) globals $(C_INPUTS) -- $(SUB) globals-all
lint-hardening: lint-gcc
	$(STEP) hardening $(C_INPUTS) -- $(SUB) hardening-all
lint-docs: lint-gcc
	$(STEP) docs $(C_INPUTS) docs/config.md -- $(SUB) docs-check
lint-analyzer:
	$(STEP) analyzer $(C_INPUTS) -- $(SUB) PROFILE=analyzer CC=gcc objects-own
lint-cppcheck:
	$(STEP) cppcheck '*.c' '*.h' -- $(SUB) cppcheck-all
lint-tidy: lint-analyzer
	$(STEP) tidy $(C_INPUTS) .clang-tidy -- $(SUB) PROFILE=analyzer CC=gcc tidy-all
lint-selftest:
	$(STEP) selftest tests/lint .clang-format -- $(VENV)/python -m pytest -q -p no:cacheprovider tests/lint

format: ## lays out all C files with the pinned clang-format
	$(Q)$(VENV)/clang-format -i $(C_FILES)

# --- what the checks run --------------------------------------------------------------------------

OWN_SRCS := $(foreach a,base domain io connect cli $(SERVICES),$($(a)_SRCS)) $(wildcard services/*/main.c cli/main.c) common/io/heap_wipe.c
.PHONY: objects objects-own cppcheck-all
objects-own: $(call obj,$(OWN_SRCS)) $(MIGRATIONS_OBJ)
objects: objects-own $(TEST_MAINS) $(call obj,$(UNIT_SRCS) $(IO_SRCS) $(FUZZ_SRCS) $(fakes_SRCS))
tidy-all: $(OWN_SRCS:%.c=$(B)/%.tidy)
# The analyzer's object of the same file has read the same headers: its date stands for them.
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy
	$(Q)clang-tidy --quiet $< -- $(LANG_FLAGS) $(ALL_CFLAGS) >$@.log 2>/dev/null || { cat $@.log; exit 1; }
	@touch $@
headers-all: $(HEADERS:%=$(B)/%.alone)
$(B)/%.h.alone: %.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(ALL_CFLAGS) -Wno-pedantic -fsyntax-only -include $< -x c /dev/null
	@touch $@
pure-all: $(call lib,base) $(call lib,domain) $(call lib,pure)
	$(Q)tools/check-pure $^
globals-all: objects-own
	$(Q)tools/check-globals $(call obj,$(OWN_SRCS))
hardening-all: programs
	$(Q)tools/check-hardening $(PROGRAMS:%=$(B)/bin/%)
# Leaks are left to ASan: cppcheck does not know the cleanup attribute.
cppcheck-all:
	$(Q)mkdir -p build/lint/cppcheck
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --language=c -j$(shell nproc) -I. \
		--cppcheck-build-dir=build/lint/cppcheck --enable=warning,performance,portability \
		--library=mk/cppcheck.cfg \
		--suppress=missingIncludeSystem --suppress=resourceLeak --suppress=memleak -D__attribute__\(x\)= -D__cppcheck__ \
		$(OWN_SRCS)
docs-check: programs
	$(Q)if [ -x $(B)/bin/ohdc ]; then diff -u docs/config.md <($(B)/bin/ohdc config docs); fi

.PHONY: docs
docs: all ## docs/config.md from the settings table
	$(Q)mkdir -p docs && build/bin/ohdc config docs >docs/config.md.new && mv docs/config.md.new docs/config.md
