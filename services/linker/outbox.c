/* One thread: lease, read, send, wait for the reports, delete. */

#include "services/linker/outbox.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/domain/topics.h"
#include "common/io/kafka_wait.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum {
	ROWS_MAX = 200,     /* sent at once */
	IDLE_WAIT_MS = 500, /* how long a row of another replica may lie unseen */
	LEASE_MS = 5000,    /* short: two senders of one row only repeat it, a dead one delays it */
	REPORT_WAIT_MS = 10000,
	FAILURE_PAUSE_MS = 1000,
	ID_LIST_BYTES = ROWS_MAX * 21 + 2,
};

/* Buckets that nobody holds are taken only when they have something in them. */
static const char sql_lease[] = "update outbox_bucket set lease_owner = $1,"
				" lease_until = clock_timestamp() + $2 * interval '1 ms'"
				" where bucket in (select bucket from outbox_bucket b"
				" where (b.lease_owner = $1 or b.lease_until < clock_timestamp())"
				" and exists (select 1 from job_outbox o where o.bucket = b.bucket)"
				" order by bucket for update skip locked)";

static const char sql_read[] = "select o.id, o.job_id::text, o.record_key, o.record, o.traceparent from job_outbox o"
			       " join outbox_bucket b on b.bucket = o.bucket and b.lease_owner = $1"
			       " and b.lease_until > clock_timestamp() order by o.id limit $2";

static const char sql_delete[] = "delete from job_outbox where id = any($1::bigint[])";

static const char sql_release[] = "update outbox_bucket set lease_owner = null,"
				  " lease_until = '-infinity' where lease_owner = $1";

struct outbox {
	struct linker *linker;
	char topic[TOPIC_NAME_SIZE];
	pthread_t thread;
	bool is_running;
};

static bool read_rows(const struct outbox *outbox, struct db_rows *ret, struct err *err)
{
	const struct linker *linker = outbox->linker;
	return db_query(linker->pool, sql_lease, DB_PARAMS(linker->owner, LEASE_MS), NULL, err) &&
	       db_query(linker->pool, sql_read, DB_PARAMS(linker->owner, ROWS_MAX), ret, err);
}

static void make_record(const struct outbox *outbox, const struct db_rows *rows, int row, struct kafka_record *ret)
{
	*ret = (struct kafka_record){
		.topic = outbox->topic,
		.key = bytes_text(db_text(rows, row, 2)),
		.value = bytes_text(db_text(rows, row, 3)),
	};
	kafka_record_add_header(ret, HEADER_SCHEMA, RECORD_SCHEMA);
	if (!db_is_null(rows, row, 4)) kafka_record_add_header(ret, HEADER_TRACEPARENT, db_text(rows, row, 4));
}

static bool delete_rows(const struct outbox *outbox, const struct db_rows *rows, const bool *is_safe, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf list = strbuf_of(ID_LIST_BYTES);
	for (int row = 0; row < rows->count; row++) {
		if (is_safe[row]) strbuf_addf(&list, "%s%s", list.len > 0 ? "," : "{", db_text(rows, row, 0));
	}
	if (list.len == 0) return true;
	strbuf_add(&list, "}");
	return db_query(outbox->linker->pool, sql_delete, DB_PARAMS(strbuf_text(&list)), NULL, err);
}

static bool send_rows(const struct outbox *outbox, const struct db_rows *rows, struct err *err)
{
	struct kafka_record *records = mem_zalloc((size_t)rows->count, sizeof(*records));
	bool is_safe[ROWS_MAX] = {false};
	struct err failure = {0};
	for (int row = 0; row < rows->count; row++)
		make_record(outbox, rows, row, &records[row]);
	bool is_sent = kafka_send_all(outbox->linker->producer, records, (size_t)rows->count, REPORT_WAIT_MS, is_safe,
				      &failure);
	mem_free(records);
	if (!delete_rows(outbox, rows, is_safe, err)) return false;
	if (!is_sent) *err = failure;
	return is_sent;
}

static bool turn(struct outbox *outbox, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!read_rows(outbox, &rows, err)) return false;
	if (rows.count == 0) {
		wake_wait(&outbox->linker->to_send, IDLE_WAIT_MS);
		return true;
	}
	if (!send_rows(outbox, &rows, err)) return false;
	metric_add(metrics_cell(outbox->linker->metrics, METRIC_COUNTER, "ohdc_jobs_sent_total", NULL,
				"Job records given to Kafka"),
		   rows.count);
	return true;
}

static void *run(void *context)
{
	struct outbox *outbox = context;
	while (!daemon_is_stopping(outbox->linker->daemon)) {
		struct err err = {0};
		if (turn(outbox, &err)) continue;
		log_err("job records wait in the outbox", &err);
		daemon_pause(outbox->linker->daemon, FAILURE_PAUSE_MS);
	}
	return NULL;
}

bool outbox_new(struct linker *linker, struct outbox **ret, struct err *err)
{
	struct outbox *outbox = mem_zalloc(1, sizeof(*outbox));
	*ret = outbox;
	outbox->linker = linker;
	topic_name(TOPIC_JOB, config_text(linker->config, "OHDC_KAFKA_PREFIX"), outbox->topic);
	outbox->is_running = pthread_create(&outbox->thread, NULL, run, outbox) == 0;
	return outbox->is_running || err_set(err, ERR_BUSY, "no thread for the outbox");
}

static void release_buckets(const struct outbox *outbox)
{
	struct err err = {0};
	if (!db_query(outbox->linker->pool, sql_release, DB_PARAMS(outbox->linker->owner), NULL, &err))
		log_err("outbox buckets are left to their leases", &err);
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox) return;
	wake_ring(&outbox->linker->to_send, 1);
	if (outbox->is_running) pthread_join(outbox->thread, NULL);
	release_buckets(outbox);
	mem_free(outbox);
}
