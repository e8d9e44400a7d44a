/* Before a 403 the connection is read once more, so that a fresh secret or id is never refused. One read serves all who wait. */

#include "services/ingress/ingress.h"

#include "common/base/mem.h"
#include "common/io/lock.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include <pthread.h>

#include "common/base/banned.h"

enum {
	WAITING_MAX = 256,  /**< a flood of bad signatures is refused at once beyond this */
	PAUSE_MS = 50,      /**< between two reads, so that a flood costs the database twenty reads a second */
	ID_PAUSE_MS = 1000, /**< between two reads of one id */
	ID_SLOTS = 1024,    /**< ids whose last read is remembered; a collision only delays a read */
};

struct waiting {
	struct request *request;
	struct http_ticket ticket;
};

struct reread {
	struct ingress *ingress;
	struct daemon *daemon;
	pthread_mutex_t lock;
	pthread_cond_t submitted;
	struct waiting list[WAITING_MAX];
	size_t count;
	int64_t read_ms[ID_SLOTS]; /* when an id was last read again */
	bool is_stopping;
	pthread_t thread;
	bool is_running;
};

static int64_t *slot_of(struct reread *reread, enum provider provider, int64_t id)
{
	return &reread->read_ms[((size_t)id * 2 + (size_t)provider) % ID_SLOTS];
}

bool reread_may(struct reread *reread, enum provider provider, int64_t id)
{
	LOCK_HOLD(&reread->lock);
	int64_t read_ms = *slot_of(reread, provider, id);
	return read_ms == 0 || sysclock_monotonic_ms() - read_ms >= ID_PAUSE_MS;
}

static void note_read(struct reread *reread, const struct request *request)
{
	LOCK_HOLD(&reread->lock);
	*slot_of(reread, request->provider, request->connection_id) = sysclock_monotonic_ms();
}

static void judge_again(struct reread *reread, const struct waiting *waiting)
{
	struct ingress *ingress = reread->ingress;
	struct request *request = waiting->request;
	note_read(reread, request);
	const struct connection *connection = connection_acquire(ingress->cache, request->provider,
								 request->connection_id);
	enum reason verdict = verify_body(connection, request);
	if (verdict == REASON_NONE) accept_delivery(ingress, connection, request, waiting->ticket);
	table_cache_release(ingress->cache);
	if (verdict != REASON_NONE)
		ingress_answer(ingress, request->provider, waiting->ticket, refusal_of(request->provider), verdict);
}

/* Take all who wait; false when there is nothing to do any more. */
static bool take(struct reread *reread, struct waiting ret[WAITING_MAX], size_t *ret_count)
{
	LOCK_HOLD(&reread->lock);
	while (reread->count == 0 && !reread->is_stopping)
		pthread_cond_wait(&reread->submitted, &reread->lock);
	*ret_count = reread->count;
	memcpy(ret, reread->list, reread->count * sizeof(ret[0]));
	reread->count = 0;
	return *ret_count > 0;
}

static void *run(void *context)
{
	struct reread *reread = context;
	struct waiting *list = mem_zalloc(WAITING_MAX, sizeof(*list));
	size_t count;
	while (take(reread, list, &count)) {
		struct err err = {0};
		if (!table_cache_reload(reread->ingress->cache, &err))
			log_err("connections are judged as last read", &err);
		for (size_t i = 0; i < count; i++) {
			judge_again(reread, &list[i]);
			request_free(list[i].request);
		}
		daemon_pause(reread->daemon, PAUSE_MS);
	}
	mem_free(list);
	return NULL;
}

bool reread_new(struct ingress *ingress, struct daemon *daemon, struct reread **ret, struct err *err)
{
	struct reread *reread = mem_zalloc(1, sizeof(*reread));
	reread->ingress = ingress;
	reread->daemon = daemon;
	pthread_mutex_init(&reread->lock, NULL);
	pthread_cond_init(&reread->submitted, NULL);
	reread->is_running = pthread_create(&reread->thread, NULL, run, reread) == 0;
	*ret = reread;
	return reread->is_running || err_set(err, ERR_BUSY, "no thread to read connections again");
}

bool reread_submit(struct reread *reread, struct request *request, struct http_ticket ticket)
{
	LOCK_HOLD(&reread->lock);
	if (reread->count == WAITING_MAX || reread->is_stopping) return false;
	reread->list[reread->count++] = (struct waiting){request, ticket};
	pthread_cond_signal(&reread->submitted);
	return true;
}

void reread_free(struct reread *reread)
{
	if (!reread) return;
	pthread_mutex_lock(&reread->lock);
	reread->is_stopping = true;
	pthread_cond_signal(&reread->submitted);
	pthread_mutex_unlock(&reread->lock);
	if (reread->is_running) pthread_join(reread->thread, NULL);
	pthread_cond_destroy(&reread->submitted);
	pthread_mutex_destroy(&reread->lock);
	mem_free(reread);
}
