/* Every few seconds: what is overdue, and who was linked. */

#include "services/linker/sweeper.h"

#include <pthread.h>

#include "common/base/mem.h"
#include "common/io/log.h"
#include "services/linker/trigger_store.h"

#include "common/base/banned.h"

enum {
	TURN_MAX_MS = 5000, /* a link made meanwhile is noticed after this */
	TURNS_PER_SWEEP = 4,
};

struct sweeper {
	struct linker *linker;
	int64_t sweep_ms;
	pthread_t thread;
	bool is_running;
};

static void sweep(const struct sweeper *sweeper)
{
	struct linker *linker = sweeper->linker;
	int64_t again = 0;
	int64_t opened = 0;
	struct err err = {0};
	if (!trigger_store_sweep(linker->pool, linker->owner, sweeper->sweep_ms, &again, &err) ||
	    !trigger_store_open_linked(linker->pool, &opened, &err)) {
		log_err("sweep failed, later again", &err);
		return;
	}
	if (again > 0) {
		LOG_WARN("job records sent again: no job row came", LOG_INT("count", again));
		wake_ring(&linker->to_send, 1);
	}
	if (opened > 0) {
		LOG_INFO("asks opened again: their authors are linked now", LOG_INT("count", opened));
		wake_ring(&linker->to_decide, (size_t)opened);
	}
}

static void *run(void *context)
{
	const struct sweeper *sweeper = context;
	int64_t turn_ms = sweeper->sweep_ms / TURNS_PER_SWEEP;
	if (turn_ms > TURN_MAX_MS) turn_ms = TURN_MAX_MS;
	while (!daemon_pause(sweeper->linker->daemon, turn_ms))
		sweep(sweeper);
	return NULL;
}

bool sweeper_new(struct linker *linker, struct sweeper **ret, struct err *err)
{
	struct sweeper *sweeper = mem_zalloc(1, sizeof(*sweeper));
	*ret = sweeper;
	sweeper->linker = linker;
	sweeper->sweep_ms = config_int(linker->config, "OHDC_SWEEP_MS");
	sweeper->is_running = pthread_create(&sweeper->thread, NULL, run, sweeper) == 0;
	return sweeper->is_running || err_set(err, ERR_BUSY, "no thread for the sweeper");
}

void sweeper_free(struct sweeper *sweeper)
{
	if (!sweeper) return;
	if (sweeper->is_running) pthread_join(sweeper->thread, NULL);
	mem_free(sweeper);
}
