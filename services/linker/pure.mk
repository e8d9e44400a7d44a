PURE_SRCS += services/linker/keycloak_answer.c
