# How C is compiled and linked: language, warnings, hardening, and what each profile adds.

PROFILE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
IS_CLANG := $(findstring clang,$(notdir $(firstword $(CC))))
B := build/$(PROFILE)$(if $(IS_CLANG),-clang)

# $(call cc_opt,FLAG): FLAG where this compiler takes it, else nothing.
cc_opt = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(1)')

WARN := -Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align \
	-Wpointer-arith -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wswitch-enum -Wnull-dereference \
	-Wdouble-promotion -Wimplicit-fallthrough -fno-common
ifneq ($(IS_CLANG),)
# The first is part of clang's -Wconversion and objects to assert(!"reason"); the second to tables
# whose last members are left out because they are NULL.
WARN += -Wno-string-conversion -Wno-missing-field-initializers
endif

LANG_FLAGS := -std=c17 -D_GNU_SOURCE -pthread -I. -I$(B)

# OpenSSF compiler options hardening guide, as far as the compiler at hand knows them.
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
ifneq ($(filter-out clean help deps,$(or $(MAKECMDGOALS),all)),)
HARDEN += $(call cc_opt,-ftrivial-auto-var-init=zero) $(call cc_opt,-fstrict-flex-arrays=3)
endif

ifeq ($(PROFILE),release)
PROFILE_CFLAGS := -O2 -g -ffile-prefix-map=$(CURDIR)=. $(HARDEN) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
PROFILE_LDFLAGS := $(HARDEN_LD)
else ifeq ($(PROFILE),debug)
PROFILE_CFLAGS := -O0 -g3 -fPIE
PROFILE_LDFLAGS := -pie
else ifeq ($(PROFILE),asan)
PROFILE_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
PROFILE_LDFLAGS := -fsanitize=address,undefined
else ifeq ($(PROFILE),tsan)
PROFILE_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
PROFILE_LDFLAGS := -fsanitize=thread
else ifeq ($(PROFILE),cover)
PROFILE_CFLAGS := -O0 -g --coverage -fprofile-update=atomic -fprofile-abs-path
PROFILE_LDFLAGS := --coverage
else ifeq ($(PROFILE),fuzz)
PROFILE_CFLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined
PROFILE_LDFLAGS := -fsanitize=fuzzer,address,undefined
else ifeq ($(PROFILE),analyzer)
PROFILE_CFLAGS := -O1 -g -fanalyzer -Wno-analyzer-too-complex
PROFILE_LDFLAGS :=
else
$(error PROFILE is one of release, debug, asan, tsan, cover; not '$(PROFILE)')
endif

CFLAGS_ALL = $(LANG_FLAGS) $(WARN) $(PROFILE_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = $(PROFILE_LDFLAGS) -pthread -Wl,--as-needed -Wl,--no-copy-dt-needed-entries $(LDFLAGS)
