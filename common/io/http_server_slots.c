/* Suspended requests: slot, generation and one atomic word decide who answers. */

#include "common/io/http_server_parts.h"

#include "common/base/mem.h"
#include "common/io/lock.h"

#include "common/base/banned.h"

/* What a slot's word says below its generation. */
enum slot_state {
	SLOT_FREE,
	SLOT_TAKEN,   /* being filled: no ticket is out */
	SLOT_WAITING, /* anybody with the ticket may answer */
	SLOT_CLAIMED, /* somebody does */
};

static const uint32_t no_slot = UINT32_MAX;

static uint64_t word_of(uint32_t generation, enum slot_state state)
{
	return (uint64_t)generation << 32 | (uint64_t)state;
}

static uint32_t generation_of(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

void http_slots_init(struct http_slots *slots, uint32_t limit)
{
	(void)pthread_mutex_init(&slots->lock, NULL);
	slots->slots = mem_zalloc(limit, sizeof(*slots->slots));
	slots->limit = limit;
	slots->first_free = no_slot;
}

void http_slots_done(struct http_slots *slots)
{
	for (uint32_t i = 0; i < atomic_load(&slots->used); i++)
		http_reply_copy_done(&slots->slots[i].reply);
	mem_free(slots->slots);
	(void)pthread_mutex_destroy(&slots->lock);
}

/* Given back slots first, so that a calm server touches little memory. */
static struct http_slot *pop(struct http_slots *slots)
{
	uint32_t used = atomic_load(&slots->used);
	struct http_slot *slot;
	LOCK_HOLD(&slots->lock);
	if (slots->first_free != no_slot) {
		slot = &slots->slots[slots->first_free];
		slots->first_free = slot->next_free;
		return slot;
	}
	if (used == slots->limit) return NULL;
	slot = &slots->slots[used];
	slot->index = used;
	atomic_store(&slots->used, used + 1);
	return slot;
}

struct http_slot *http_slots_take(struct http_slots *slots)
{
	struct http_slot *slot = pop(slots);
	if (!slot) return NULL;
	atomic_fetch_add(&slots->taken, 1);
	atomic_store(&slot->word, word_of(generation_of(atomic_load(&slot->word)) + 1, SLOT_TAKEN));
	return slot;
}

struct http_ticket http_slot_open(struct http_slot *slot)
{
	uint32_t generation = generation_of(atomic_load(&slot->word));
	struct http_ticket ticket = {.slot = slot->index, .generation = generation};
	atomic_store(&slot->word, word_of(generation, SLOT_WAITING));
	return ticket;
}

static bool claim(struct http_slot *slot, uint32_t generation)
{
	uint64_t waiting = word_of(generation, SLOT_WAITING);
	return atomic_compare_exchange_strong(&slot->word, &waiting, word_of(generation, SLOT_CLAIMED));
}

struct http_slot *http_slots_claim(struct http_slots *slots, struct http_ticket ticket)
{
	struct http_slot *slot;
	if (ticket.slot >= atomic_load(&slots->used)) return NULL;
	slot = &slots->slots[ticket.slot];
	return claim(slot, ticket.generation) ? slot : NULL;
}

struct http_slot *http_slots_claim_expired(struct http_slots *slots, int64_t now_ms, uint32_t *cursor, int64_t *next_ms)
{
	uint32_t used = atomic_load(&slots->taken) > 0 ? atomic_load(&slots->used) : 0;
	while (*cursor < used) {
		struct http_slot *slot = &slots->slots[(*cursor)++];
		/* The word is read before the deadline: a reused slot has another word, and is not claimed. */
		uint64_t word = atomic_load(&slot->word);
		int64_t deadline_ms = atomic_load(&slot->deadline_ms);
		if (word != word_of(generation_of(word), SLOT_WAITING)) continue;
		if (deadline_ms <= now_ms && claim(slot, generation_of(word))) return slot;
		if (deadline_ms > now_ms && deadline_ms < *next_ms) *next_ms = deadline_ms;
	}
	return NULL;
}

void http_slots_release(struct http_slots *slots, struct http_slot *slot)
{
	atomic_store(&slot->word, word_of(generation_of(atomic_load(&slot->word)), SLOT_FREE));
	(void)pthread_mutex_lock(&slots->lock);
	slot->next_free = slots->first_free;
	slots->first_free = slot->index;
	(void)pthread_mutex_unlock(&slots->lock);
	atomic_fetch_sub(&slots->taken, 1);
}
