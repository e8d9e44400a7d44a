PURE_SRCS += services/linker/intake_hold.c
PURE_SRCS += services/linker/keycloak_answer.c
