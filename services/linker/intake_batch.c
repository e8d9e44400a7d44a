/* Read all, write all; where that fails because of one record, one by one. */

#include "services/linker/intake_batch.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { MS_PER_DAY = 86400000 };

/* --- a batch that is being built ------------------------------------------------------------------- */

/* What goes into one transaction. */
struct load {
	struct intake_record records[INTAKE_BATCH_MAX];
	size_t count;
	struct intake_span spans[INTAKE_BATCH_MAX];
	size_t span_count;
};

static void load_clear(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		intake_record_done(&load->records[i]);
	load->count = 0;
	load->span_count = 0;
}

static void load_free(struct load *load)
{
	load_clear(load);
	mem_free(load);
}

CLEANUP_FUNCTION(free_load, struct load *, load_free);

static void add_span(struct load *load, const struct kafka_record *record)
{
	for (size_t i = 0; i < load->span_count; i++) {
		if (load->spans[i].partition == record->partition) {
			load->spans[i].next_offset = record->offset + 1;
			return;
		}
	}
	load->spans[load->span_count++] = (struct intake_span){record->partition, record->offset, record->offset + 1};
}

/* --- reading ------------------------------------------------------------------------------------------ */

static bool read_once(const struct intake_runner *runner, const struct kafka_record *record, bool is_last,
		      struct intake_record *ret, struct err *err)
{
	struct table_cache *connections = runner->linker->connections;
	bool is_read;
	table_cache_acquire(connections);
	is_read = intake_record_read(record, connections, runner->max_age_ms, is_last, ret, err);
	table_cache_release(connections);
	return is_read;
}

/*
 * A connection that is not in the table may be a minute old: look at the database before it is called unknown. Once for a batch:
 * all its records were accepted before it was polled.
 */
static bool read_record(struct intake_runner *runner, const struct kafka_record *record, struct intake_record *ret,
			struct err *err)
{
	if (read_once(runner, record, false, ret, err)) return true;
	if (err->code != ERR_NOT_FOUND) return false;
	*err = (struct err){0};
	if (!runner->is_fresh && !table_cache_reload(runner->linker->connections, err)) {
		err->code = ERR_BUSY;
		return false;
	}
	runner->is_fresh = true;
	return read_once(runner, record, true, ret, err);
}

static bool ensure_day(struct intake_runner *runner, int64_t received_at_ms, struct err *err)
{
	int64_t day = received_at_ms / MS_PER_DAY;
	for (size_t i = 0; i < ARRAY_LEN(runner->days); i++) {
		if (runner->days[i] == day) return true;
	}
	if (!intake_store_day(runner->linker->pool, received_at_ms, err)) return false;
	runner->days[runner->next_day++ % ARRAY_LEN(runner->days)] = day;
	return true;
}

/* Add one record to the load; poison goes to the dead letters, a newer schema holds the partition. */
static bool take(struct intake_runner *runner, const struct kafka_record *record, struct load *load, struct err *err)
{
	struct intake_record *place = &load->records[load->count];
	if (read_record(runner, record, place, err)) {
		load->count++;
		add_span(load, record);
		return ensure_day(runner, place->delivery.received_at_ms, err);
	}
	if (err->code != ERR_CONFLICT && err->code != ERR_INPUT) return false;
	const struct err why = *err;
	*err = (struct err){0};
	if (why.code == ERR_CONFLICT) return aside_hold(&runner->holds, record, &why, err);
	add_span(load, record);
	return aside_send(&runner->aside, record, &why, 1, err);
}

/* --- writing ------------------------------------------------------------------------------------------- */

static void report(const struct intake_runner *runner, const struct load *load)
{
	for (size_t i = 0; i < load->count; i++) {
		const struct intake_record *record = &load->records[i];
		char labels[96];
		(void)snprintf(labels, sizeof(labels), "provider=\"%s\",verdict=\"%s\"",
			       provider_name(record->delivery.provider), reason_name(record->verdict));
		metric_add(metrics_cell(runner->linker->metrics, METRIC_COUNTER, "ohdc_deliveries_total", labels,
					"Deliveries taken in, by verdict"),
			   1);
		LOG_DEBUG("delivery taken in", LOG_TEXT("delivery_id", record->delivery.id),
			  LOG_TEXT("verdict", reason_name(record->verdict)),
			  LOG_TEXT("event_key", record->ask.event_key));
	}
}

static bool write(const struct intake_runner *runner, struct load *load, struct err *err)
{
	size_t asks = 0;
	if (load->span_count == 0) return true;
	if (!intake_store_batch(runner->linker->pool, &runner->place, load->records, load->count, load->spans,
				load->span_count, &asks, err))
		return false;
	if (asks > 0) wake_ring(&runner->linker->to_decide, asks);
	report(runner, load);
	return true;
}

/* --- whole batches ---------------------------------------------------------------------------------------- */

static bool run_whole(struct intake_runner *runner, const struct kafka_batch *batch, struct load *load, struct err *err)
{
	load_clear(load);
	for (size_t i = 0; i < batch->count; i++) {
		const struct kafka_record *record = &batch->records[i];
		if (!holds_has(&runner->holds, record->partition, record->offset) && !take(runner, record, load, err))
			return false;
	}
	return write(runner, load, err);
}

/*
 * One record alone. What the database refuses about it, it will always refuse. `is_counted`: batches ended the process, and a
 * record whose run alone does not come back either is set aside.
 */
static bool run_alone(struct intake_runner *runner, const struct kafka_record *record, bool is_counted,
		      struct load *load, struct err *err)
{
	struct kafka_record copy = *record;
	const struct kafka_batch one = {.records = &copy, .count = 1};
	int64_t attempts = 0;
	if (is_counted && !intake_store_count_record(runner->linker->pool, &runner->place, record->partition,
						     record->offset, &attempts, err))
		return false;
	bool is_given_up = attempts > INTAKE_GIVE_UP;
	if (is_given_up)
		(void)err_set(err, ERR_INPUT, "taking this record in ended the process %lld times",
			      (long long)attempts - 2);
	else if (run_whole(runner, &one, load, err))
		return true;
	if (err->code != ERR_INPUT) return false;
	const struct err why = *err;
	*err = (struct err){0};
	load_clear(load);
	add_span(load, record);
	return aside_send(&runner->aside, record, &why, is_given_up ? attempts - 2 : 1, err) && write(runner, load, err);
}

static bool run_one_by_one(struct intake_runner *runner, const struct kafka_batch *batch, bool is_counted,
			   struct load *load, struct err *err)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct kafka_record *record = &batch->records[i];
		if (!holds_has(&runner->holds, record->partition, record->offset) &&
		    !run_alone(runner, record, is_counted, load, err))
			return false;
	}
	return true;
}

/* --- attempts ------------------------------------------------------------------------------------------------ */

/* Records of held partitions leave the batch, so that nothing commits behind the hold. */
static void leave_out_held(const struct intake_runner *runner, struct kafka_batch *batch)
{
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (!holds_has(&runner->holds, batch->records[i].partition, batch->records[i].offset))
			batch->records[kept++] = batch->records[i];
	}
	batch->count = kept;
}

static bool was_tried(const struct intake_runner *runner, const struct load *load)
{
	if (runner->tried_count != load->span_count) return false;
	for (size_t i = 0; i < load->span_count; i++) {
		if (load->spans[i].partition != runner->tried[i].partition ||
		    load->spans[i].first_offset != runner->tried[i].first_offset)
			return false;
	}
	return true;
}

/* Count the batch unless this very process began it before and failed in order, as when the database was away. */
static bool count_batch(struct intake_runner *runner, const struct kafka_batch *batch, struct load *load,
			int64_t *ret_attempts, struct err *err)
{
	*ret_attempts = 1;
	for (size_t i = 0; i < batch->count; i++)
		add_span(load, &batch->records[i]);
	if (was_tried(runner, load)) return true;
	if (!intake_store_count_batch(runner->linker->pool, &runner->place, load->spans, load->span_count, ret_attempts,
				      err))
		return false;
	memcpy(runner->tried, load->spans, load->span_count * sizeof(*load->spans));
	runner->tried_count = load->span_count;
	return true;
}

static bool run(struct intake_runner *runner, const struct kafka_batch *batch, int64_t attempts, struct load *load,
		struct err *err)
{
	if (attempts >= INTAKE_ONE_BY_ONE) {
		LOG_WARN("batch did not come back before, one by one now", LOG_INT("attempts", attempts));
		return run_one_by_one(runner, batch, true, load, err);
	}
	if (run_whole(runner, batch, load, err)) return true;
	if (err->code != ERR_INPUT) return false;
	*err = (struct err){0};
	return run_one_by_one(runner, batch, false, load, err);
}

bool intake_batch_run(struct intake_runner *runner, struct kafka_batch *batch, struct err *err)
{
	CLEANUP(free_load) struct load *load = mem_zalloc(1, sizeof(*load));
	int64_t attempts;
	runner->is_fresh = false;
	leave_out_held(runner, batch);
	if (batch->count == 0) return true;
	if (!count_batch(runner, batch, load, &attempts, err) || !run(runner, batch, attempts, load, err)) return false;
	runner->tried_count = 0;
	leave_out_held(runner, batch);
	return true;
}
