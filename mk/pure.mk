# The pure files of services and cli (no clock, files, sockets or environment): unit tests link them,
# tools/check-pure holds them to it. One `PURE_SRCS += path` line each, here or in the folder's own
# pure.mk (services/NAME/pure.mk, cli/pure.mk).

PURE_SRCS :=
-include $(wildcard services/*/pure.mk cli/pure.mk)
