/* The consumer's thread. */

#include "services/linker/intake.h"

#include <pthread.h>

#include "common/base/mem.h"
#include "common/domain/topics.h"
#include "common/io/log.h"
#include "common/io/service.h"
#include "common/io/sysclock.h"
#include "services/linker/intake_batch.h"

#include "common/base/banned.h"

enum {
	POLL_MS = 250, /* longest wait for records, and so for a stop */
	FAILURE_PAUSE_MS = 1000,
	FETCH_BYTES = 8 * 1024 * 1024, /* fetched ahead; a single record may be larger */
};

struct intake {
	struct linker *linker;
	struct kafka_consumer *consumer;
	struct intake_runner runner;
	char group[TOPIC_NAME_SIZE];
	char topic[TOPIC_NAME_SIZE];
	char dlq[TOPIC_NAME_SIZE];
	int64_t generation; /* of the pool, when positions were looked at */
	bool must_rewind;
	pthread_t thread;
	bool is_running;
};

static bool stored_position(void *context, UNUSED const char *topic, int32_t partition, int64_t *ret, struct err *err)
{
	const struct intake *intake = context;
	return intake_store_position(intake->linker->pool, &intake->runner.place, partition, ret, err);
}

static void show(const struct intake *intake)
{
	struct metrics *metrics = intake->linker->metrics;
	metric_set(metrics_cell(metrics, METRIC_GAUGE, "ohdc_partitions_paused", NULL,
				"Partitions that wait at a record of a newer schema"),
		   (int64_t)intake->runner.holds.count);
	metric_set(metrics_cell(metrics, METRIC_GAUGE, "ohdc_webhook_lag", NULL,
				"Records of the webhook topic not yet taken in, -1: not known"),
		   kafka_consumer_lag(intake->consumer));
}

/*
 * Positions are looked at again when the database was reached anew (it may be an older state than what we committed), when a
 * batch failed, and when a held partition is to be tried again.
 */
static bool go_back_if_due(struct intake *intake, struct err *err)
{
	int64_t generation = db_pool_generation(intake->linker->pool);
	if (holds_expire(&intake->runner.holds, sysclock_monotonic_ms())) intake->must_rewind = true;
	if (!intake->must_rewind && generation == intake->generation) return true;
	if (!kafka_consumer_rewind(intake->consumer, err)) return false;
	intake->must_rewind = false;
	intake->generation = generation;
	return true;
}

static bool turn(struct intake *intake, struct err *err)
{
	CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
	if (!go_back_if_due(intake, err) ||
	    !kafka_consumer_poll(intake->consumer, INTAKE_BATCH_MAX, POLL_MS, &batch, err))
		return false;
	show(intake);
	if (batch.count == 0) return true;
	/* Shrinks to what was taken; the batch's own count is what is freed. */
	struct kafka_batch taken = batch;
	if (!intake_batch_run(&intake->runner, &taken, err)) return false;
	kafka_consumer_commit(intake->consumer, &taken);
	return true;
}

static void *run(void *context)
{
	struct intake *intake = context;
	while (!daemon_is_stopping(intake->linker->daemon)) {
		struct err err = {0};
		if (!claim_is_settled(intake->linker->claim) || turn(intake, &err)) continue;
		log_err("deliveries wait in the topic", &err);
		intake->must_rewind = true;
		daemon_pause(intake->linker->daemon, FAILURE_PAUSE_MS);
	}
	/* Not after the grace time: the others go on with our partitions now. */
	kafka_consumer_free(intake->consumer);
	intake->consumer = NULL;
	return NULL;
}

static void name_topics(struct intake *intake)
{
	const char *prefix = config_text(intake->linker->config, "OHDC_KAFKA_PREFIX");
	group_name(GROUP_LINKER, prefix, intake->group);
	topic_name(TOPIC_WEBHOOK, prefix, intake->topic);
	topic_name(TOPIC_DLQ, prefix, intake->dlq);
	intake->runner = (struct intake_runner){
		.linker = intake->linker,
		.place = {intake->group, intake->topic},
		.aside = {intake->linker->producer, intake->linker->metrics, intake->dlq, "topic=\"webhook\""},
		.max_age_ms = config_int(intake->linker->config, "OHDC_MAX_TRIGGER_AGE") * 1000,
	};
}

bool intake_new(struct linker *linker, struct intake **ret, struct err *err)
{
	struct intake *intake = mem_zalloc(1, sizeof(*intake));
	struct kafka_consumer_options options = {
		.cluster = linker->cluster,
		.group = intake->group,
		.topic = intake->topic,
		.fetch_bytes = FETCH_BYTES,
		.position = stored_position,
		.context = intake,
		.claim = linker->claim->place.own,
	};
	*ret = intake;
	intake->linker = linker;
	intake->generation = db_pool_generation(linker->pool);
	name_topics(intake);
	if (!kafka_consumer_new(&options, &intake->consumer, err)) return false;
	intake->is_running = pthread_create(&intake->thread, NULL, run, intake) == 0;
	return intake->is_running || err_set(err, ERR_BUSY, "no thread for the intake");
}

void intake_free(struct intake *intake)
{
	if (!intake) return;
	if (intake->is_running) pthread_join(intake->thread, NULL);
	kafka_consumer_free(intake->consumer);
	mem_free(intake);
}
