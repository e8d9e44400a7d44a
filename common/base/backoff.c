/* Exponential back-off with jitter. */
#include "common/base/backoff.h"

#include "common/base/banned.h"

/* `first_ms` doubled for every attempt after the first, up to `max_ms`. */
static int64_t whole_delay(const struct backoff *backoff, int64_t attempts)
{
	int64_t delay = backoff->first_ms < 1 ? 1 : backoff->first_ms;
	for (; attempts > 1 && delay < backoff->max_ms; attempts--)
		delay = delay > backoff->max_ms / 2 ? backoff->max_ms : 2 * delay;
	return delay < backoff->max_ms ? delay : backoff->max_ms;
}

int64_t backoff_delay_ms(const struct backoff *backoff, int64_t attempts, uint32_t random)
{
	int64_t delay = whole_delay(backoff, attempts);
	if (delay < 1) return 0;
	/* In two parts, because the product of span and 32 random bits may not fit. */
	uint64_t span = (uint64_t)(delay - delay / 2);
	uint64_t part = span / UINT32_MAX * random + span % UINT32_MAX * random / UINT32_MAX;
	return delay / 2 + (int64_t)part;
}
