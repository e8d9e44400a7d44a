/* The frame of a service: waits for signals, answers probes, and ends the process when draining takes too long. */

#include "common/io/daemon.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/daemon_admin.h"
#include "common/io/lock.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

struct daemon {
	int64_t grace_ms;
	int64_t drain_ms;
	struct daemon_admin admin;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* is_stopping or is_done, on the monotonic clock */
	atomic_bool is_stopping;
	atomic_bool is_done; /* the drain deadline no longer counts */
	atomic_int status;
	sigset_t signals; /* that stop */
	pthread_t watcher;
	bool has_watcher;
};

CLEANUP_FUNCTION(free_pointed, struct daemon *, daemon_free);

/* Blocked for good, in this thread and all later ones: the watcher takes them, one too many must not end a drain. */
static bool take_signals(sigset_t *signals, struct err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGHUP);
	return (sigaction(SIGPIPE, &ignore, NULL) == 0 && pthread_sigmask(SIG_BLOCK, signals, NULL) == 0) ||
	       err_set(err, ERR_INTERNAL, "signals cannot be blocked");
}

static void raise_flag(struct daemon *daemon, atomic_bool *flag)
{
	LOCK_HOLD(&daemon->lock);
	atomic_store(flag, true);
	(void)pthread_cond_broadcast(&daemon->changed);
}

/* Waits until the flag is set or the deadline; whether it was set. */
static bool wait_until(struct daemon *daemon, const atomic_bool *flag, struct timespec deadline)
{
	int waited = 0;
	LOCK_HOLD(&daemon->lock);
	while (!atomic_load(flag) && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&daemon->changed, &daemon->lock, &deadline);
	return atomic_load(flag);
}

/* A thread of its own, so that a signal stops main also while it waits for the database. Whatever hangs is left behind. */
static void *watch(void *context)
{
	struct daemon *daemon = context;
	int received = 0;
	while (sigwait(&daemon->signals, &received) != 0)
		continue;
	struct timespec deadline = sysclock_deadline(daemon->drain_ms);
	LOG_INFO("stopping", LOG_TEXT("signal", sigabbrev_np(received)), LOG_INT("status", daemon_status(daemon)));
	atomic_store(&daemon->admin.is_stopping, true);
	raise_flag(daemon, &daemon->is_stopping);
	if (wait_until(daemon, &daemon->is_done, deadline)) return NULL;
	LOG_ERROR("the stop took too long, the process ends itself", LOG_INT("drain_ms", daemon->drain_ms));
	_exit(DAEMON_EXIT_FAILED);
}

bool daemon_new(const struct daemon_options *options, struct daemon **ret, struct err *err)
{
	CLEANUP(free_pointed) struct daemon *daemon = mem_zalloc(1, sizeof(*daemon));
	sysclock_init_cond(&daemon->changed);
	(void)pthread_mutex_init(&daemon->lock, NULL);
	daemon->grace_ms = options->grace_ms;
	daemon->drain_ms = options->drain_ms;
	if (!take_signals(&daemon->signals, err) ||
	    !daemon_admin_init(&daemon->admin, options->admin_listen, options->metrics, err))
		return false;
	daemon->has_watcher = pthread_create(&daemon->watcher, NULL, watch, daemon) == 0;
	if (!daemon->has_watcher) return err_set(err, ERR_BUSY, "no thread for the signals");
	LOG_INFO("started", LOG_TEXT("service", options->program), LOG_INT("admin_port", daemon_admin_port(daemon)));
	return MOVE(ret, daemon);
}

static void wait_for_stop(struct daemon *daemon)
{
	LOCK_HOLD(&daemon->lock);
	while (!atomic_load(&daemon->is_stopping))
		(void)pthread_cond_wait(&daemon->changed, &daemon->lock);
}

/* Also where nobody asked for a stop, as after a start that failed: from then on the watcher only keeps the deadline. */
void daemon_free(struct daemon *daemon)
{
	if (!daemon) return;
	if (daemon->has_watcher) {
		(void)pthread_kill(daemon->watcher, SIGTERM);
		wait_for_stop(daemon);
	}
	http_server_free(daemon->admin.server);
	if (daemon->has_watcher) {
		raise_flag(daemon, &daemon->is_done);
		(void)pthread_join(daemon->watcher, NULL);
	}
	(void)pthread_cond_destroy(&daemon->changed);
	(void)pthread_mutex_destroy(&daemon->lock);
	mem_free(daemon);
}

uint16_t daemon_admin_port(const struct daemon *daemon)
{
	return http_server_port(daemon->admin.server);
}

void daemon_set_ready(struct daemon *daemon, bool ready)
{
	if (atomic_exchange(&daemon->admin.is_ready, ready) != ready)
		LOG_INFO("readiness changed", LOG_INT("ready", ready));
}

bool daemon_is_stopping(const struct daemon *daemon)
{
	return atomic_load(&daemon->is_stopping);
}

int daemon_status(const struct daemon *daemon)
{
	return atomic_load(&daemon->status);
}

bool daemon_pause(struct daemon *daemon, int64_t ms)
{
	return wait_until(daemon, &daemon->is_stopping, sysclock_deadline(ms));
}

void daemon_fail(struct daemon *daemon, const struct err *err)
{
	int status = err->code == ERR_INPUT ? DAEMON_EXIT_CONFIGURATION : DAEMON_EXIT_FAILED;
	int drained = DAEMON_EXIT_DRAINED;
	if (!atomic_compare_exchange_strong(&daemon->status, &drained, status)) return;
	LOG_ERROR("the service stops because of a failure", LOG_TEXT("code", err_code_name(err->code)),
		  LOG_TEXT("error", err->message));
	(void)kill(getpid(), SIGTERM);
}

int daemon_wait(struct daemon *daemon)
{
	wait_for_stop(daemon);
	const struct timespec deadline = sysclock_deadline(daemon->grace_ms);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		continue;
	return daemon_status(daemon);
}
