# The foreign libraries: found by pkg-config, the ones built by `make deps` before the system's.

empty :=
comma := ,
OHDC_DEPS ?= $(CURDIR)/build/deps
# ThreadSanitizer needs a librdkafka made for it, before the ordinary one.
PREFIXES := $(if $(filter tsan,$(PROFILE)),$(CURDIR)/build/deps-tsan) $(OHDC_DEPS)
pc = PKG_CONFIG_PATH=$(subst $(empty) $(empty),:,$(PREFIXES:%=%/lib/pkgconfig)) pkg-config

PURE_MODULES := jansson libcrypto md4c
ALL_MODULES := $(PURE_MODULES) 'rdkafka >= 2.6.1' 'libmicrohttpd >= 1.0.1' libcurl libpq openssl

PURE_CFLAGS := $(shell $(pc) --cflags $(PURE_MODULES) 2>/dev/null)
PURE_LIBS := $(shell $(pc) --libs $(PURE_MODULES) 2>/dev/null)
# -isystem: the warnings are for our code, not for the libraries' headers.
ALL_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(pc) --cflags $(ALL_MODULES) 2>/dev/null))
ALL_LIBS := $(shell $(pc) --libs $(ALL_MODULES) 2>/dev/null)
ALL_LIBS += $(patsubst %,-Wl$(comma)-rpath$(comma)%,$(wildcard $(PREFIXES:%=%/lib)))
CUNIT_LIBS := -lcunit
