#ifndef OHDC_IO_DAEMON_H
#define OHDC_IO_DAEMON_H

/* The frame of a service: signals, the admin listener (/livez, /readyz, /metrics), stop requests, the drain deadline, exit status. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/** Exit statuses of a service. */
enum { DAEMON_EXIT_DRAINED = 0, DAEMON_EXIT_FAILED = 1, DAEMON_EXIT_CONFIGURATION = 2 };

/** Settings of the frame. */
struct daemon_options {
	const char *program;
	const char *admin_listen; /**< address:port; port 0: any free port, which is logged */
	int64_t grace_ms;         /**< from "unready" to "stop accepting", so that load balancers notice */
	int64_t drain_ms;         /**< whole stop; afterwards the process ends itself with status 1 */
	struct metrics *metrics;  /**< borrowed */
};

/**
 * Block the signals (call before any thread is made), start the admin listener and the thread that waits for SIGTERM, SIGINT and
 * SIGHUP: the first one begins the stop (drain deadline, unready), further ones change nothing. ERR_BUSY: address in use or no
 * thread. SIGPIPE is ignored. `ret` is new.
 */
NODISCARD bool daemon_new(const struct daemon_options *options, struct daemon **ret, struct err *err);

/** Begin the stop unless it has begun, free; NULL is fine. */
void daemon_free(struct daemon *daemon);

/** Ready or not, as /readyz answers from now on; any thread. */
void daemon_set_ready(struct daemon *daemon, bool ready);

/** The port of the admin listener. */
NODISCARD uint16_t daemon_admin_port(const struct daemon *daemon);

/** Whether stopping was asked for (true from the start of the grace time on); loops look at it, a start that waits too; any thread. */
NODISCARD bool daemon_is_stopping(const struct daemon *daemon);

/** Sleep at most `ms`, shorter when stopping begins; true when it has begun; any thread. */
bool daemon_pause(struct daemon *daemon, int64_t ms);

/** Ask for a stop because of a failure, logged once; any thread. Exit status 2 after ERR_INPUT (a setting is wrong), else 1. */
void daemon_fail(struct daemon *daemon, const struct err *err);

/** Wait until the stop has begun, by a signal or daemon_fail(), and for the grace time. Returns the exit status so far. */
NODISCARD int daemon_wait(struct daemon *daemon);

/** Exit status so far: that of the first daemon_fail(), also one while draining, else DAEMON_EXIT_DRAINED; any thread. */
NODISCARD int daemon_status(const struct daemon *daemon);

#endif
