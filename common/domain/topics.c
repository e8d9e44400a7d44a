/* Full names of topics and consumer groups. */

#include "common/domain/topics.h"

#include <stdio.h>

#include "common/base/banned.h"

static const char *const topic_suffixes[TOPIC_COUNT] = {
	[TOPIC_WEBHOOK] = "webhook.v1",
	[TOPIC_JOB] = "job.v1",
	[TOPIC_STATUS] = "status.v1",
	[TOPIC_DLQ] = "dlq.v1",
};

static const struct topic_access accesses[] = {
	{"ingress", NULL, TOPIC_WEBHOOK, {"Write", "Describe"}},
	{"ingress", GROUP_LINKER, 0, {"Describe"}},
	{"linker", NULL, TOPIC_WEBHOOK, {"Read", "Describe"}},
	{"linker", NULL, TOPIC_JOB, {"Write", "Describe"}},
	{"linker", NULL, TOPIC_DLQ, {"Write", "Describe"}},
	{"linker", GROUP_LINKER, 0, {"Read", "Describe"}},
	{"dispatcher", NULL, TOPIC_JOB, {"Read", "Describe"}},
	{"dispatcher", NULL, TOPIC_STATUS, {"Write", "Describe"}},
	{"dispatcher", NULL, TOPIC_DLQ, {"Write", "Describe"}},
	{"dispatcher", GROUP_DISPATCHER, 0, {"Read", "Describe"}},
	{"dispatcher", NULL, TOPIC_WEBHOOK, {"Describe"}},
	{"dispatcher", GROUP_LINKER, 0, {"Describe"}},
	{"topics", NULL, TOPIC_WEBHOOK, {"Create", "Describe", "DescribeConfigs"}},
	{"topics", NULL, TOPIC_JOB, {"Create", "Describe", "DescribeConfigs"}},
	{"topics", NULL, TOPIC_STATUS, {"Create", "Describe", "DescribeConfigs"}},
	{"topics", NULL, TOPIC_DLQ, {"Create", "Describe", "DescribeConfigs"}},
};

void topic_name(enum topic topic, const char *prefix, char ret[TOPIC_NAME_SIZE])
{
	(void)snprintf(ret, TOPIC_NAME_SIZE, "%s%s", prefix, topic_suffixes[topic]);
}

void group_name(const char *group, const char *prefix, char ret[TOPIC_NAME_SIZE])
{
	(void)snprintf(ret, TOPIC_NAME_SIZE, "%s%s", prefix, group);
}

const struct topic_access *topic_accesses(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(accesses);
	return accesses;
}
