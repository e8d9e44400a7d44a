PURE_SRCS += services/installer/repo_set.c
