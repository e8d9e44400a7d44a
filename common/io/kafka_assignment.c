/* The partitions a consumer holds: where each starts, which of them wait to know it, how far they are behind. */
#include "common/io/kafka_assignment.h"

#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/base/mem.h"
#include "common/io/kafka_client.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum {
	COMMITTED_WAIT_MS = 5000, /* a coordinator that does not answer: asked again at the next poll */
	SEEK_WAIT_MS = 2000,
};

static struct kafka_partition *find_partition(const struct kafka_assignment *assignment, int32_t id)
{
	for (size_t i = 0; i < assignment->count; i++) {
		if (assignment->partitions[i].id == id) return &assignment->partitions[i];
	}
	return NULL;
}

static void add_partition(struct kafka_assignment *assignment, int32_t id)
{
	struct kafka_partition *known = find_partition(assignment, id);
	if (!known) {
		assignment->partitions = mem_resize(assignment->partitions, assignment->count + 1, sizeof(*known));
		known = &assignment->partitions[assignment->count++];
	}
	*known = (struct kafka_partition){.id = id, .next = -1, .is_pending = true};
}

static void remove_partition(struct kafka_assignment *assignment, int32_t id)
{
	struct kafka_partition *known = find_partition(assignment, id);
	if (known) *known = assignment->partitions[--assignment->count];
}

/* New list of the partitions whose start is not known. */
static rd_kafka_topic_partition_list_t *list_pending(const struct kafka_assignment *assignment)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)assignment->count);
	for (size_t i = 0; i < assignment->count; i++) {
		if (assignment->partitions[i].is_pending)
			(void)rd_kafka_topic_partition_list_add(list, assignment->topic, assignment->partitions[i].id);
	}
	return list;
}

/* --- where to start ----------------------------------------------------------------------------- */

/* The smaller of what the group committed and what the database holds: whoever is behind decides. */
static int64_t smaller_known(int64_t committed, int64_t position)
{
	if (committed < 0 && position < 0) return 0; /* where that is gone: auto.offset.reset */
	if (committed < 0 || position < 0) return committed < 0 ? position : committed;
	return committed < position ? committed : position;
}

void kafka_assignment_commit(const struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; assignment->claim && i < list->cnt; i++)
		kafka_claim_put(&list->elems[i], assignment->claim);
	(void)rd_kafka_commit(assignment->client, list, 1);
}

static bool find_start(const struct kafka_assignment *assignment, rd_kafka_topic_partition_t *at, struct err *err)
{
	int64_t position = -1;
	char claim[UUID_TEXT_SIZE];
	if (at->err != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_client_fail(err, at->err, "committed offset");
	if (assignment->claim && kafka_claim_read(at, claim) && strcmp(claim, assignment->claim) != 0)
		return err_set(err, ERR_CONFLICT, "the group belongs to %s", claim);
	if (assignment->position && !assignment->position(assignment->context, at->topic, at->partition, &position, err))
		return err_wrap(err, "stored offset");
	at->offset = smaller_known(at->offset, position);
	return true;
}

/*
 * Put the start of each partition of `list` into its offset and clear is_pending; where it is not
 * known now: RD_KAFKA_OFFSET_BEGINNING, and it stays pending. False: some are pending, `err` says why.
 */
static bool find_starts(struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list, struct err *err)
{
	rd_kafka_resp_err_t resp = rd_kafka_committed(assignment->client, list, COMMITTED_WAIT_MS);
	bool is_complete = true;
	bool is_claimed = true;
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *at = &list->elems[i];
		struct kafka_partition *partition = find_partition(assignment, at->partition);
		if (!partition) continue;
		if (resp != RD_KAFKA_RESP_ERR_NO_ERROR) at->err = resp;
		is_claimed = is_claimed && kafka_claim_read(at, (char[UUID_TEXT_SIZE]){0});
		bool is_found = find_start(assignment, at, err);
		if (!is_found) at->offset = RD_KAFKA_OFFSET_BEGINNING;
		at->err = RD_KAFKA_RESP_ERR_NO_ERROR;
		/* The committed offset's epoch says nothing about another offset. */
		(void)rd_kafka_topic_partition_set_leader_epoch(at, -1);
		partition->is_pending = !is_found;
		partition->next = is_found ? at->offset : -1;
		is_complete = is_complete && is_found;
	}
	/* The claim is there before the first record is. What is not found has no offset that could be committed. */
	if (assignment->claim && !is_claimed) kafka_assignment_commit(assignment, list);
	return is_complete;
}

static void pause_pending(const struct kafka_assignment *assignment)
{
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *pending = list_pending(assignment);
	if (pending->cnt > 0) (void)rd_kafka_pause_partitions(assignment->client, pending);
}

/* Take the partitions out of `list` that still wait for their start. */
static void drop_pending(const struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list)
{
	for (int i = list->cnt - 1; i >= 0; i--) {
		const struct kafka_partition *partition = find_partition(assignment, list->elems[i].partition);
		if (!partition || partition->is_pending) (void)rd_kafka_topic_partition_list_del_by_idx(list, i);
	}
}

/* Move each partition of `list` to its offset there; one that cannot be moved now is pending again. */
static bool seek(struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list, struct err *err)
{
	bool is_complete = true;
	rd_kafka_error_t *error = rd_kafka_seek_partitions(assignment->client, list, SEEK_WAIT_MS);
	rd_kafka_resp_err_t all = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_resp_err_t one = all ? all : list->elems[i].err;
		struct kafka_partition *partition = find_partition(assignment, list->elems[i].partition);
		if (!partition || one == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
		partition->is_pending = true;
		is_complete = kafka_client_fail(err, one, "seek");
	}
	return is_complete;
}

/* Ask again for the starts that are not known, and let those partitions go that have one now. */
bool kafka_assignment_settle(struct kafka_assignment *assignment, struct err *err)
{
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *list = list_pending(assignment);
	if (list->cnt == 0) return true;
	bool is_complete = find_starts(assignment, list, err);
	drop_pending(assignment, list);
	if (list->cnt == 0) return is_complete;
	is_complete = seek(assignment, list, err) && is_complete;
	drop_pending(assignment, list);
	(void)rd_kafka_resume_partitions(assignment->client, list);
	return is_complete;
}

/* --- changes by the group ----------------------------------------------------------------------- */

void kafka_assignment_add(struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list)
{
	struct err err = {0};
	for (int i = 0; i < list->cnt; i++)
		add_partition(assignment, list->elems[i].partition);
	if (!find_starts(assignment, list, &err))
		LOG_DEBUG("partitions wait for their start", LOG_TEXT("reason", err.message));
	rd_kafka_error_destroy(rd_kafka_incremental_assign(assignment->client, list));
	pause_pending(assignment);
}

void kafka_assignment_remove(struct kafka_assignment *assignment, rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++)
		remove_partition(assignment, list->elems[i].partition);
	rd_kafka_error_destroy(rd_kafka_incremental_unassign(assignment->client, list));
}

void kafka_assignment_clear(struct kafka_assignment *assignment)
{
	assignment->count = 0;
	(void)rd_kafka_assign(assignment->client, NULL);
}

void kafka_assignment_done(struct kafka_assignment *assignment)
{
	mem_free(assignment->partitions);
	*assignment = (struct kafka_assignment){0};
}

/* --- what goes by ------------------------------------------------------------------------------- */

bool kafka_assignment_rewind(struct kafka_assignment *assignment, struct err *err)
{
	for (size_t i = 0; i < assignment->count; i++)
		assignment->partitions[i].is_pending = true;
	pause_pending(assignment);
	return kafka_assignment_settle(assignment, err);
}

bool kafka_assignment_pass(struct kafka_assignment *assignment, int32_t partition, int64_t offset)
{
	struct kafka_partition *known = find_partition(assignment, partition);
	if (!known || known->is_pending) return false;
	known->next = offset + 1;
	return true;
}

int64_t kafka_assignment_lag(const struct kafka_assignment *assignment)
{
	int64_t sum = 0;
	for (size_t i = 0; i < assignment->count; i++) {
		const struct kafka_partition *partition = &assignment->partitions[i];
		int64_t low = -1;
		int64_t high = -1;
		(void)rd_kafka_get_watermark_offsets(assignment->client, assignment->topic, partition->id, &low, &high);
		int64_t next = partition->next >= 0 ? partition->next : low;
		if (partition->is_pending || high < 0 || next < 0) return -1;
		sum += high > next ? high - next : 0;
	}
	return sum;
}
