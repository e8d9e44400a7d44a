#ifndef OHDC_IO_HTTP_SERVER_PARTS_H
#define OHDC_IO_HTTP_SERVER_PARTS_H

/*
 * What the files of the HTTP server do for each other. http_server.c: life of a server, tickets · _exchange.c: one request
 * from headers to answer · _route.c: paths · _slots.c: suspended requests · _keeper.c: the thread that accepts
 * and watches deadlines · _listen.c: the listening socket · _mhd.c: the only one that knows libmicrohttpd.
 */

#include "common/io/http_server_state.h"

/* http_server_slots.c */

/** Set up `limit` slots. */
void http_slots_init(struct http_slots *slots, uint32_t limit);

/** Free the slots; none may be taken. */
void http_slots_done(struct http_slots *slots);

/** Take a slot, not yet open for answers; NULL when all are taken. */
NODISCARD struct http_slot *http_slots_take(struct http_slots *slots);

/** Open a taken slot for answers. */
NODISCARD struct http_ticket http_slot_open(struct http_slot *slot);

/** The ticket's slot when this caller is the one that may answer it, else NULL. */
NODISCARD struct http_slot *http_slots_claim(struct http_slots *slots, struct http_ticket ticket);

/**
 * The next slot from `*cursor` (first 0) on whose deadline is at or before `now_ms`, claimed; NULL: no further one. `*next_ms`
 * is lowered to the earliest later deadline.
 */
NODISCARD struct http_slot *http_slots_claim_expired(struct http_slots *slots, int64_t now_ms, uint32_t *cursor,
						     int64_t *next_ms);

/** Give a slot back. */
void http_slots_release(struct http_slots *slots, struct http_slot *slot);

/* http_server_route.c */

/** Cut the patterns of the options' routes; new. */
NODISCARD struct http_path *http_paths_new(const struct http_route *routes, size_t count);

/** Find path and method: false leaves `allow` "" (no such path) or with the methods there are. */
NODISCARD bool http_route_find(struct http_request *request, const char *method, char *allow, size_t allow_size);

/* http_server_exchange.c */

/** Copy `reply` with its texts. */
void http_reply_copy_set(struct http_reply_copy *copy, const struct http_reply *reply);

/** Forget the content, keep the memory of short texts. */
void http_reply_copy_wipe(struct http_reply_copy *copy);

/** Free the texts. */
void http_reply_copy_done(struct http_reply_copy *copy);

/** The request line is here. */
void http_exchange_start(struct http_request *request);

/** The headers are here. This and the next two: false closes the connection. */
NODISCARD bool http_exchange_headers(struct http_request *request, const char *method, const char *path);

/** A piece of the body is here. */
NODISCARD bool http_exchange_piece(struct http_request *request, struct bytes piece);

/** The request is complete, or resumed. */
NODISCARD bool http_exchange_end(struct http_request *request);

/** The request is over, answered or not. */
void http_exchange_done(struct http_request *request);

/* http_server_listen.c */

/** Bind and listen at "address:port"; the port in use in `*ret_port`. */
NODISCARD bool http_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct err *err);

/* http_server_keeper.c */

/** Start the thread that accepts connections and watches deadlines. */
NODISCARD bool http_keeper_start(struct http_server *server, struct err *err);

/** Stop and join it. */
void http_keeper_stop(struct http_server *server);

/** Make it look around now. */
void http_keeper_wake(struct http_server *server);

/** A deadline was set: it must look at `deadline_ms` or before. */
void http_keeper_hint(struct http_server *server, int64_t deadline_ms);

/** Resume every suspended request whose deadline is at or before `now_ms`; the next deadline, or HTTP_NO_DEADLINE. */
int64_t http_keeper_expire_slots(struct http_server *server, int64_t now_ms);

/** New connection in the list, its headers due. */
NODISCARD struct http_connection *http_connection_new(struct http_server *server, int fd);

/** Take a connection off the list and free it; its socket is still open. */
void http_connection_free(struct http_server *server, struct http_connection *connection);

/** Set what is due and in how long (0: no deadline); false when the keeper has shut the socket down. */
bool http_connection_expect(struct http_request *request, enum http_due due, int64_t timeout_ms);

/* http_server_mhd.c */

/** Start the HTTP threads. */
NODISCARD bool http_mhd_start(struct http_server *server, struct err *err);

/** Stop them; no request may be suspended. */
void http_mhd_stop(struct http_server *server);

/** Hand an accepted socket over; it is closed on failure. */
void http_mhd_add(struct http_server *server, int fd);

/** Queue the request's reply. */
NODISCARD bool http_mhd_queue(struct http_request *request);

/** Send the request's reply past libmicrohttpd, because the body is not over, and close our half. */
void http_mhd_send_early(struct http_request *request);

/** Suspend the request's connection. */
void http_mhd_suspend(struct http_request *request);

/** Resume a suspended connection, from any thread. */
void http_mhd_resume(struct MHD_Connection *connection);

/** Read the headers that frame the body. */
void http_mhd_framing(struct http_request *request);

#endif
