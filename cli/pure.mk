PURE_SRCS += cli/arguments.c
PURE_SRCS += cli/simulated_body.c
