#ifndef OHDC_IO_CALL_GATE_H
#define OHDC_IO_CALL_GATE_H

/* The right to make one call that must not happen twice: asked again right before the request leaves. */

#include <stdbool.h>
#include <stdint.h>

/** Given to every unsafe call. The caller made sure that the lease outlives the deadline; `may_send` looks once more. */
struct call_gate {
	bool (*may_send)(void *gate); /**< false: nothing is sent, ERR_CONFLICT. NULL: always allowed. Runs in the calling thread. */
	void *gate;                   /**< argument of `may_send`, borrowed for the call */
	int64_t deadline_ms; /**< whole call; 0: the deadline of the API object */
};

#endif
