/* The ledger at work. What is written before a call is what a successor can rely on after a crash. */

#include "services/dispatcher/ledger.h"

#include "common/io/sysclock.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* One effect in hand: what the helpers below share. */
struct entry {
	const struct ledger *ledger;
	struct job *job;
	const struct ledger_effect *effect;
	struct effect_place place;
	struct effect_row row;
};

/* What an effect that is over has come to. */
static const enum ledger_outcome outcomes[] = {
	[EFFECT_CONFIRMED] = LEDGER_CONFIRMED,
	[EFFECT_SKIPPED] = LEDGER_SKIPPED,
	[EFFECT_FAILED] = LEDGER_REFUSED,
};

/* Asked right before the request leaves: is the lease still long enough for the whole call? */
static bool lease_outlives_call(void *context)
{
	const struct entry *entry = context;
	int64_t left_ms = entry->job->lease_until_mono_ms - sysclock_monotonic_ms();
	return left_ms >= entry->ledger->call_deadline_ms + entry->ledger->margin_ms;
}

static bool save(struct entry *entry, const char *detail, struct err *err)
{
	return effect_store_save(entry->ledger->pool, &entry->place, &entry->row, detail, err);
}

/* A repeat may have met its late twin: look once more, the younger of two goes. Failing to look changes nothing. */
static void settle_repeat(struct entry *entry)
{
	struct err ignored = {0};
	char id[EFFECT_REMOTE_ID_SIZE] = "";
	if (entry->row.effect.attempts > 1 && entry->effect->look &&
	    entry->effect->look(entry->effect->context, id, &ignored) && id[0])
		(void)snprintf(entry->row.remote_id, sizeof(entry->row.remote_id), "%s", id);
}

static bool after_send_failure(struct entry *entry, const struct err *failure, struct ledger_result *ret, struct err *err)
{
	effect_sent_failed(&entry->row.effect, failure, entry->row.now_ms, entry->ledger->probe_delays_ms);
	if (!save(entry, failure->message, err)) return false;
	*err = *failure;
	bool is_uncertain = failure->code == ERR_UNCERTAIN || failure->code == ERR_TIMEOUT ||
			    failure->code == ERR_INTERNAL;
	if (entry->row.effect.state == EFFECT_FAILED)
		ret->outcome = LEDGER_REFUSED;
	else if (is_uncertain && entry->effect->look)
		ret->outcome = LEDGER_LATER;
	else
		ret->outcome = LEDGER_AGAIN;
	ret->until_ms = effect_wait_ms(&entry->row.effect);
	return true;
}

/* Renewed right before, so that the gate finds a full lease; marked, so that a successor knows how long to keep away. */
static bool send_marked(struct entry *entry, struct ledger_result *ret, struct err *err)
{
	const struct ledger *ledger = entry->ledger;
	if (!job_store_save(ledger->pool, entry->job, ledger->lease_ms, err)) return false;
	effect_begin(&entry->row.effect, entry->job->now_ms + ledger->lease_ms + ledger->call_deadline_ms);
	if (!save(entry, NULL, err)) return false;

	struct call_gate gate = {lease_outlives_call, entry, ledger->call_deadline_ms};
	struct err failure = {0};
	if (!entry->effect->send(entry->effect->context, &gate, entry->row.remote_id, &failure))
		return after_send_failure(entry, &failure, ret, err);

	settle_repeat(entry);
	entry->row.effect.state = EFFECT_CONFIRMED;
	ret->outcome = LEDGER_CONFIRMED;
	return save(entry, NULL, err);
}

/* Looking is impossible: decoration is left out, what people wait for is tried again. It is never a no to the effect itself. */
static bool after_blind_look(struct entry *entry, const struct err *failure, struct ledger_result *ret, struct err *err)
{
	*err = *failure;
	if (err->code == ERR_INPUT || err->code == ERR_NOT_FOUND) err->code = ERR_INTERNAL;
	ret->outcome = LEDGER_AGAIN;
	if (entry->effect->kind != EFFECT_ACK && entry->effect->kind != EFFECT_REACTION) return true;
	entry->row.effect.state = EFFECT_SKIPPED;
	ret->outcome = LEDGER_SKIPPED;
	return save(entry, failure->message, err);
}

static bool look(struct entry *entry, struct ledger_result *ret, struct err *err)
{
	struct err failure = {0};
	char id[EFFECT_REMOTE_ID_SIZE] = "";
	if (!entry->effect->look(entry->effect->context, id, &failure))
		return after_blind_look(entry, &failure, ret, err);
	effect_looked(&entry->row.effect, id[0] != '\0', entry->row.now_ms, entry->ledger->probe_delays_ms);
	if (id[0]) (void)snprintf(entry->row.remote_id, sizeof(entry->row.remote_id), "%s", id);
	ret->outcome = LEDGER_CONFIRMED;
	return save(entry, NULL, err);
}

/* What cannot be looked for does no harm when repeated: no reason to wait or to look. */
static enum effect_action next_action(const struct entry *entry)
{
	if (!entry->effect->look && entry->row.effect.state == EFFECT_ATTEMPTING) return EFFECT_DO_SEND;
	return effect_next(&entry->row.effect, entry->row.now_ms);
}

/* One move; `*ret_goes_on` when the next one can follow at once. */
static bool move(struct entry *entry, struct ledger_result *ret, bool *ret_goes_on, struct err *err)
{
	*ret_goes_on = false;
	switch (next_action(entry)) {
	case EFFECT_DO_SEND:
		if (!send_marked(entry, ret, err)) return false;
		*ret_goes_on = ret->outcome == LEDGER_LATER;
		return true;
	case EFFECT_DO_LOOK:
		if (!look(entry, ret, err)) return false;
		*ret_goes_on = entry->row.effect.state == EFFECT_ATTEMPTING && ret->outcome == LEDGER_CONFIRMED;
		return true;
	case EFFECT_DO_WAIT:
		ret->outcome = LEDGER_LATER;
		ret->until_ms = effect_wait_ms(&entry->row.effect);
		return true;
	case EFFECT_DO_NOTHING:
		ret->outcome = outcomes[entry->row.effect.state];
		if (ret->outcome == LEDGER_REFUSED && err->code == ERR_NONE)
			err_set(err, ERR_INPUT, "refused by the peer before");
		return true;
	}
	return err_set(err, ERR_INTERNAL, "ledger: unknown action");
}

bool ledger_carry_out(const struct ledger *ledger, struct job *job, const struct ledger_effect *effect,
		      struct ledger_result *ret, struct err *err)
{
	struct entry entry = {.ledger = ledger, .job = job, .effect = effect};
	entry.place = (struct effect_place){job->record.job_id, job->epoch, effect->kind};
	if (!effect_store_open(ledger->pool, &entry.place, &entry.row, err)) return false;

	struct ledger_result result = {0};
	bool goes_on = true;
	while (goes_on) {
		if (!move(&entry, &result, &goes_on, err)) return false;
	}
	memcpy(result.remote_id, entry.row.remote_id, sizeof(result.remote_id));
	*ret = result;
	return true;
}
