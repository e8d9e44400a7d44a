/* When an outward effect is sent, looked for, repeated or left alone. */

#include "services/dispatcher/effect_rule.h"

#include "common/base/text.h"

#include "common/base/banned.h"

static const char *const kind_names[] = {
	[EFFECT_START] = "start",   [EFFECT_REACTION] = "reaction", [EFFECT_ACK] = "ack",
	[EFFECT_RESULT] = "result", [EFFECT_GUIDANCE] = "guidance",
};

static const char *const state_names[] = {
	[EFFECT_INTENT] = "intent",   [EFFECT_ATTEMPTING] = "attempting", [EFFECT_CONFIRMED] = "confirmed",
	[EFFECT_SKIPPED] = "skipped", [EFFECT_FAILED] = "failed",
};

const char *effect_kind_name(enum effect_kind kind)
{
	return kind_names[kind];
}

const char *effect_state_name(enum effect_state state)
{
	return state_names[state];
}

bool effect_state_parse(const char *name, enum effect_state *ret)
{
	return text_among(state_names, ARRAY_LEN(state_names), name, ret);
}

int64_t effect_wait_ms(const struct effect *effect)
{
	return effect->attempting_until_ms > effect->probe_at_ms ? effect->attempting_until_ms : effect->probe_at_ms;
}

enum effect_action effect_next(const struct effect *effect, int64_t now_ms)
{
	if (effect->state == EFFECT_INTENT) return EFFECT_DO_SEND;
	if (effect->state != EFFECT_ATTEMPTING) return EFFECT_DO_NOTHING;
	if (now_ms < effect_wait_ms(effect)) return EFFECT_DO_WAIT;
	return effect->misses >= EFFECT_MISSES_BEFORE_REPEAT ? EFFECT_DO_SEND : EFFECT_DO_LOOK;
}

void effect_begin(struct effect *effect, int64_t until_ms)
{
	effect->state = EFFECT_ATTEMPTING;
	effect->attempts++;
	effect->misses = 0;
	effect->attempting_until_ms = until_ms;
	effect->probe_at_ms = 0;
}

/* Only an attempt that surely never left us is taken back; one that may have stays on the books. */
static void take_back(struct effect *effect)
{
	effect->attempts--;
	effect->state = effect->attempts > 0 ? EFFECT_ATTEMPTING : EFFECT_INTENT;
	effect->misses = effect->attempts > 0 ? EFFECT_MISSES_BEFORE_REPEAT : 0;
	effect->attempting_until_ms = 0;
}

void effect_sent_failed(struct effect *effect, const struct err *failure, int64_t now_ms,
			const int64_t delays_ms[EFFECT_PROBE_DELAYS])
{
	switch (failure->code) {
	case ERR_AUTH:
	case ERR_NETWORK:
	case ERR_CONFLICT:
	case ERR_BUSY:
	case ERR_LIMIT: take_back(effect); return;
	case ERR_UNCERTAIN:
	case ERR_TIMEOUT:
	case ERR_INTERNAL:
		effect->attempting_until_ms = 0;
		effect->probe_at_ms = now_ms + delays_ms[0];
		return;
	case ERR_NONE:
	case ERR_INPUT:
	case ERR_NOT_FOUND: effect->state = EFFECT_FAILED; return;
	}
}

void effect_looked(struct effect *effect, bool is_found, int64_t now_ms, const int64_t delays_ms[EFFECT_PROBE_DELAYS])
{
	if (is_found) {
		effect->state = EFFECT_CONFIRMED;
		return;
	}
	effect->misses++;
	effect->attempting_until_ms = 0;
	effect->probe_at_ms = now_ms;
	if (effect->misses < EFFECT_MISSES_BEFORE_REPEAT) effect->probe_at_ms += delays_ms[effect->misses];
}
