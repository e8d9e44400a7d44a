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

void topic_name(enum topic topic, const char *prefix, char ret[TOPIC_NAME_SIZE])
{
	(void)snprintf(ret, TOPIC_NAME_SIZE, "%s%s", prefix, topic_suffixes[topic]);
}

void group_name(const char *group, const char *prefix, char ret[TOPIC_NAME_SIZE])
{
	(void)snprintf(ret, TOPIC_NAME_SIZE, "%s%s", prefix, group);
}
