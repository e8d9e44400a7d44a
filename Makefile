# ohdc: `make help` says what there is. Object files mirror the tree under build/PROFILE[-clang]/.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash

include mk/flags.mk
include mk/libs.mk
include mk/pure.mk

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-4s %s\n' $(1) '$(2)'
else
say = @:
endif

SERVICES := ingress linker dispatcher installer

# --- sources -> objects -> archives -> programs ---------------------------------------------------

obj = $(patsubst %.c,$(B)/%.o,$(1))
without_main = $(filter-out %/main.c,$(1))

# The members of each archive: NAME_SRCS. A list file beside the archive notices removed sources.
base_SRCS := $(wildcard common/base/*.c)
domain_SRCS := $(wildcard common/domain/*.c)
io_SRCS := $(filter-out common/io/heap_wipe.c,$(wildcard common/io/*.c))
connect_SRCS := $(wildcard common/connect/*.c)
$(foreach s,$(SERVICES),$(eval $(s)_SRCS := $(call without_main,$(wildcard services/$(s)/*.c))))
cli_SRCS := $(call without_main,$(wildcard cli/*.c))
pure_SRCS := $(wildcard $(PURE_SRCS))
fakes_SRCS := $(wildcard tests/fakes/*.c)
ARCHIVES := base domain io connect pure cli fakes $(SERVICES)

MIGRATIONS := db/grants.sql $(sort $(wildcard db/migrations/*.sql))
PAGES := $(sort $(wildcard common/pages/*.*)) $(sort $(wildcard services/*/pages/*.html))
MIGRATIONS_OBJ := $(if $(wildcard common/io/migrate.h),$(B)/gen/migrations.o)

lib = $(B)/libohdc-$(1).a
COMMON_LIBS := $(call lib,connect) $(call lib,domain) $(call lib,io) $(call lib,base)

PROGRAMS := $(foreach s,$(SERVICES),$(if $(wildcard services/$(s)/main.c),ohdc-$(s))) \
	$(if $(wildcard cli/main.c),ohdc)

.PHONY: all programs
all: programs ## the programs, in build/bin (PROFILE=release|debug|asan|tsan|cover, CC=gcc|clang, V=1)
programs: $(PROGRAMS:%=$(B)/bin/%)
ifeq ($(B),build/release)
programs: $(PROGRAMS:%=build/bin/%)
endif

build/bin/%: build/release/bin/%
	@mkdir -p $(@D)
	$(Q)cp -f $< $@.new && mv -f $@.new $@

# Freed memory is overwritten where people's credentials pass through: not in ingress. Sanitizers have a heap of their own.
HEAP_OBJ := $(if $(filter asan tsan fuzz,$(PROFILE)),,$(B)/common/io/heap_wipe.o)

define service_program
$(B)/bin/ohdc-$(1): $(B)/services/$(1)/main.o $(if $(filter ingress,$(1)),,$(HEAP_OBJ)) $(call lib,$(1)) $(MIGRATIONS_OBJ) $(COMMON_LIBS)
endef
$(foreach s,$(SERVICES),$(eval $(call service_program,$(s))))
$(B)/bin/ohdc: $(B)/cli/main.o $(call lib,cli) $(MIGRATIONS_OBJ) $(COMMON_LIBS)

$(B)/bin/%: | need-libs
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS) $(EXTRA_LIBS)

define archive
$(call lib,$(1)): $(B)/gen/$(1).list $(call obj,$($(1)_SRCS))
$(B)/gen/$(1).list: FORCE
	$$(call update,$$@,$$(sort $$($(1)_SRCS)))
endef
# $(call update,FILE,WORDS): writes WORDS, one a line, only when FILE would change.
update = @mkdir -p $(dir $(1)); printf '%s\n' $(2) >$(1).new; \
	if cmp -s $(1) $(1).new; then rm $(1).new; else mv $(1).new $(1); fi
$(foreach a,$(ARCHIVES),$(eval $(call archive,$(a))))
$(B)/libohdc-%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)

# base, domain and pure files see only the headers they may use; the rest sees all libraries.
LIB_CFLAGS = $(ALL_CFLAGS)
$(B)/common/base/%.o $(B)/common/domain/%.o $(call obj,$(pure_SRCS)): LIB_CFLAGS = $(PURE_CFLAGS)
# Suites are called from a generated registry only, so they have no prototype.
$(B)/tests/%.o: EXTRA_CFLAGS = -Wno-missing-prototypes

$(B)/%.o: %.c Makefile mk/flags.mk | need-libs
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) $(EXTRA_CFLAGS) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

# $(1): name of gen/NAME.c, made by tools/embed-NAME from the files $(2).
define embedded
$(B)/gen/$(1).c: tools/embed-$(1) tools/quote-text $(2) $(B)/gen/$(1).list
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)
	$$(Q)tools/embed-$(1) $(2) >$$@
$(B)/gen/$(1).list: FORCE
	$$(call update,$$@,$(2))
endef
$(eval $(call embedded,migrations,$(MIGRATIONS)))
$(eval $(call embedded,pages,$(PAGES)))
# These files are longer than the 4095 characters ISO C promises for a literal; gcc and clang have no limit.
$(B)/gen/%.o: $(B)/gen/%.c
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-overlength-strings $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# Linked only into programs that have pages.
$(call lib,io): $(B)/gen/pages.o

# --- tests in C -----------------------------------------------------------------------------------

UNIT_SRCS := $(wildcard tests/unit/*.c)
IO_SRCS := $(wildcard tests/io/*.c)

# gen/unit_suites.inc and gen/io_suites.inc: one SUITE(x) line for each tests/KIND/test_x.c.
suites = $(sort $(patsubst tests/$(1)/test_%.c,SUITE\(%\),$(filter tests/$(1)/test_%,$(wildcard tests/$(1)/*.c))))
$(B)/gen/%_suites.inc: FORCE
	$(call update,$@,$(call suites,$*))

# One main for both programs: only the list of suites differs.
TEST_MAINS := $(B)/tests/main-unit.o $(B)/tests/main-io.o
$(TEST_MAINS): $(B)/tests/main-%.o: tests/main.c $(B)/gen/%_suites.inc Makefile mk/flags.mk | need-libs
	@mkdir -p $(@D)
	$(call say,CC,$< ($*))
	$(Q)$(CC) $(CFLAGS_ALL) $(EXTRA_CFLAGS) -DSUITES='"gen/$*_suites.inc"' -MMD -MP -c -o $@ $<

$(B)/tests/unit/run: $(B)/tests/main-unit.o $(call obj,$(UNIT_SRCS)) $(call lib,fakes) $(call lib,pure) $(call lib,domain) $(call lib,base)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(CUNIT_LIBS) $(PURE_LIBS)

$(B)/tests/io/run: $(B)/tests/main-io.o $(call obj,$(IO_SRCS)) $(call lib,fakes) $(SERVICES:%=$(B)/libohdc-%.a) $(call lib,cli) \
		$(MIGRATIONS_OBJ) $(COMMON_LIBS) | need-libs
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(CUNIT_LIBS) $(ALL_LIBS)

# One program for each tests/fuzz/fuzz_x.c (clang, PROFILE=fuzz).
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRCS:%.c=$(B)/%)
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(call lib,pure) $(call lib,domain) $(call lib,base)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PURE_LIBS)

.PHONY: unit io unit-build fuzz-build io-build
unit-build: $(B)/tests/unit/run
fuzz-build: $(FUZZERS)
io-build: $(B)/tests/io/run
unit: unit-build ## pure tests, no broker, no database; T=TEXT runs tests whose suite/name has TEXT
	$(Q)$(B)/tests/unit/run $(T)
io: io-build ## adapters against loopback servers and a private PostgreSQL, TEST_DATABASE_URL (T= as above)
	$(Q)$(if $(TEST_DATABASE_URL),,tests/run/servers.py run postgres --) $(B)/tests/io/run $(T)

# --- the rest -------------------------------------------------------------------------------------

# Not there where the image is built, which therefore does not change with them.
include $(wildcard $(addprefix mk/,deps.mk lint.mk test.mk chart.mk prove.mk))

.PHONY: FORCE need-libs clean help
FORCE:
need-libs:
	$(if $(filter -l%,$(ALL_LIBS)),,@echo 'make: libraries are missing (librdkafka >= 2.6.1, libmicrohttpd \
	>= 1.0.1, libcurl, libpq, jansson, OpenSSL, md4c): run "make deps"' >&2; exit 1)

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' Makefile mk/*.mk | sort | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

clean: ## removes what was built, but not build/deps and build/venv
	$(Q)find build -mindepth 1 -maxdepth 1 ! -name 'deps*' ! -name venv -exec rm -rf {} + 2>/dev/null || true

-include $(shell [ -d $(B) ] && find $(B) -name '*.d')
