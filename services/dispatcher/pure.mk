PURE_SRCS += services/dispatcher/comment.c
PURE_SRCS += services/dispatcher/marker.c
PURE_SRCS += services/dispatcher/prompt.c
PURE_SRCS += services/dispatcher/reply.c
PURE_SRCS += services/dispatcher/texts.c
PURE_SRCS += services/dispatcher/wiki.c
PURE_SRCS += services/dispatcher/effect_rule.c
PURE_SRCS += services/dispatcher/job_machine.c
