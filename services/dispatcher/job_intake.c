/* Consume, insert, commit. */

#include "services/dispatcher/job_intake.h"

#include "common/base/mem.h"
#include "common/connect/aside.h"
#include "common/domain/limits.h"
#include "common/domain/topics.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "services/dispatcher/gauges.h"

#include <pthread.h>

#include "common/base/banned.h"

enum {
	BATCH_MAX = 200,      /**< records in one transaction */
	PARTITIONS_MAX = 256, /**< positions in one transaction */
	POLL_MS = 500,        /**< longest wait for records, and so for a stop */
	FAILURE_PAUSE_MS = 1000,
};

struct job_intake {
	const struct dispatcher *dispatcher;
	struct daemon *daemon;
	struct workers *workers;
	struct kafka_consumer *consumer;
	char group[TOPIC_NAME_SIZE];
	char topic[TOPIC_NAME_SIZE];
	char dlq[TOPIC_NAME_SIZE];
	struct aside aside;
	struct holds holds; /* partitions that wait at a newer schema */
	pthread_t thread;
	bool is_running;
};

/* One batch as it goes into the database. */
struct load {
	struct job_record records[BATCH_MAX];
	const struct kafka_record *sources[BATCH_MAX]; /* what each was read from; borrowed from the batch */
	size_t count;
	struct job_position positions[PARTITIONS_MAX];
	size_t position_count;
};

static void load_free(struct load **load)
{
	for (size_t i = 0; *load && i < (*load)->count; i++)
		job_record_done(&(*load)->records[i]);
	mem_free(*load);
	*load = NULL;
}

static bool stored_position(void *context, const char *topic, int32_t partition, int64_t *ret, struct err *err)
{
	const struct job_intake *intake = context;
	return job_store_position(intake->dispatcher->pool, intake->group, topic, partition, ret, err);
}

static void note_position(const struct job_intake *intake, struct load *load, const struct kafka_record *record)
{
	for (size_t i = 0; i < load->position_count; i++) {
		if (load->positions[i].partition == record->partition) {
			load->positions[i].next_offset = record->offset + 1;
			return;
		}
	}
	if (load->position_count < PARTITIONS_MAX)
		load->positions[load->position_count++] = (struct job_position){intake->group, intake->topic,
										record->partition, record->offset + 1};
}

/* Read one record into the load. A newer major schema holds its partition right before it; the others go on. */
static bool take_record(struct job_intake *intake, const struct kafka_record *record, struct load *load, struct err *err)
{
	struct err why = {0};
	if (job_record_read(record->value, &load->records[load->count], &why)) {
		load->sources[load->count++] = record;
	} else if (why.code == ERR_CONFLICT) {
		return aside_hold(&intake->holds, record, &why, err);
	} else if (!aside_send(&intake->aside, record, &why, 1, err)) {
		return false;
	}
	note_position(intake, load, record);
	return true;
}

/* One of the records cannot be stored: each by itself, so that the others are not held up by it. */
static bool store_singly(const struct job_intake *intake, const struct load *load, size_t *ret_new, struct err *err)
{
	const struct dispatcher *dispatcher = intake->dispatcher;
	for (size_t i = 0; i < load->count; i++) {
		struct err why = {0};
		size_t new_count = 0;
		bool is_stored = job_store_intake(dispatcher->pool, &load->records[i], 1, NULL, 0, &dispatcher->rules,
						  sysclock_now_ms(), &new_count, &why);
		*ret_new += new_count;
		if (!is_stored && why.code != ERR_INPUT) {
			*err = why;
			return false;
		}
		if (!is_stored && !aside_send(&intake->aside, load->sources[i], &why, 1, err)) return false;
	}
	size_t none;
	return job_store_intake(dispatcher->pool, NULL, 0, load->positions, load->position_count, &dispatcher->rules,
				sysclock_now_ms(), &none, err);
}

static bool store(const struct job_intake *intake, const struct load *load, struct err *err)
{
	const struct dispatcher *dispatcher = intake->dispatcher;
	size_t new_count = 0;
	if (load->position_count == 0) return true;
	bool is_stored = job_store_intake(dispatcher->pool, load->records, load->count, load->positions,
					  load->position_count, &dispatcher->rules, sysclock_now_ms(), &new_count, err);
	if (!is_stored && (err->code != ERR_INPUT || !store_singly(intake, load, &new_count, err))) return false;
	workers_wake(intake->workers, new_count);
	metric_add(metrics_cell(dispatcher->metrics, METRIC_COUNTER, "ohdc_jobs_taken_total", NULL, "New jobs taken in"),
		   (int64_t)new_count);
	return true;
}

static bool is_held(const struct job_intake *intake, const struct kafka_record *record)
{
	return holds_has(&intake->holds, record->partition, record->offset);
}

static bool take_batch(struct job_intake *intake, const struct kafka_batch *batch, struct err *err)
{
	CLEANUP(load_free) struct load *load = mem_zalloc(1, sizeof(*load));
	for (size_t i = 0; i < batch->count; i++) {
		if (!is_held(intake, &batch->records[i]) && !take_record(intake, &batch->records[i], load, err))
			return false;
	}
	return store(intake, load, err);
}

/* Held records move to the end of the batch, so that nothing behind a hold is committed. */
static void commit(const struct job_intake *intake, struct kafka_batch *batch)
{
	struct kafka_batch taken = {.records = batch->records};
	for (size_t i = 0; i < batch->count; i++) {
		struct kafka_record record = batch->records[i];
		if (is_held(intake, &record)) continue;
		batch->records[i] = batch->records[taken.count];
		batch->records[taken.count++] = record;
	}
	kafka_consumer_commit(intake->consumer, &taken);
}

static void turn(struct job_intake *intake)
{
	CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
	struct err err = {0};
	if (kafka_consumer_poll(intake->consumer, BATCH_MAX, POLL_MS, &batch, &err) &&
	    (batch.count == 0 || take_batch(intake, &batch, &err))) {
		commit(intake, &batch);
		return;
	}
	log_err("job records not taken in", &err);
	daemon_pause(intake->daemon, FAILURE_PAUSE_MS);
	struct err again = {0};
	if (!kafka_consumer_rewind(intake->consumer, &again)) log_err("consumer not rewound", &again);
}

static void *run(void *context)
{
	struct job_intake *intake = context;
	int64_t generation = db_pool_generation(intake->dispatcher->pool);
	int64_t counted_ms = 0;
	bool is_due = false; /* a hold that is over is tried anew */
	while (!daemon_is_stopping(intake->daemon)) {
		if (claim_is_settled(intake->dispatcher->claim)) turn(intake);
		if (sysclock_monotonic_ms() - counted_ms >= GAUGES_PAUSE_MS) {
			gauges_update(intake->dispatcher, kafka_consumer_lag(intake->consumer));
			counted_ms = sysclock_monotonic_ms();
		}
		/* After a fail-over the database may be older than what we committed: look at its positions again. */
		int64_t now = db_pool_generation(intake->dispatcher->pool);
		struct err err = {0};
		is_due = holds_expire(&intake->holds, sysclock_monotonic_ms()) || is_due;
		if ((is_due || now != generation) && kafka_consumer_rewind(intake->consumer, &err)) {
			generation = now;
			is_due = false;
		}
	}
	/* Not after the grace time: the others go on with our partitions now. */
	kafka_consumer_free(intake->consumer);
	intake->consumer = NULL;
	return NULL;
}

bool job_intake_new(const struct dispatcher *dispatcher, const struct kafka_cluster *cluster, struct daemon *daemon,
		    struct workers *workers, struct job_intake **ret, struct err *err)
{
	struct job_intake *intake = mem_zalloc(1, sizeof(*intake));
	intake->dispatcher = dispatcher;
	intake->daemon = daemon;
	intake->workers = workers;
	group_name(GROUP_DISPATCHER, dispatcher->topic_prefix, intake->group);
	topic_name(TOPIC_JOB, dispatcher->topic_prefix, intake->topic);
	topic_name(TOPIC_DLQ, dispatcher->topic_prefix, intake->dlq);
	intake->aside = (struct aside){dispatcher->producer, dispatcher->metrics, intake->dlq, "topic=\"job\""};
	struct kafka_consumer_options options = {
		.cluster = *cluster,
		.group = intake->group,
		.topic = intake->topic,
		.position = stored_position,
		.context = intake,
	};
	if (!kafka_consumer_new(&options, &intake->consumer, err)) {
		mem_free(intake);
		return false;
	}
	intake->is_running = pthread_create(&intake->thread, NULL, run, intake) == 0;
	*ret = intake;
	return intake->is_running || err_set(err, ERR_BUSY, "no thread for the intake");
}

void job_intake_free(struct job_intake *intake)
{
	if (!intake) return;
	if (intake->is_running) pthread_join(intake->thread, NULL);
	kafka_consumer_free(intake->consumer);
	mem_free(intake);
}
