#ifndef OHDC_DISPATCHER_OPENHANDS_H
#define OHDC_DISPATCHER_OPENHANDS_H

/* OpenHands' HTTP API, acting as one person: keys, organisations, repositories, starting. Following: openhands_follow.h. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/uuid.h"
#include "common/io/call_gate.h"
#include "common/io/http_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPENHANDS_TEXT_SIZE = 512, /**< details and names we keep; longer ones are cut on a character */
	OPENHANDS_ID_SIZE = 64,    /**< start-task ids, sandbox ids */
	OPENHANDS_ORGS_MAX = 64,   /**< organisations of one person that we look at */
	OPENHANDS_KEYS_MAX = 256,  /**< keys in memory; the least recently used goes first */
};

struct openhands; /* thread-safe */

/** Write an id without dashes, lower case, when it is a UUID; else as it is, cut. "" for NULL. */
void openhands_plain_id(const char *id, char *ret, size_t size);

/** Gives the service key now (it may rotate); false when there is none. Called from any thread. */
typedef bool openhands_service_key_fn(void *context, struct secret *ret);

/** Settings; texts are copied, the client is borrowed. */
struct openhands_options {
	struct http_client *client;
	const char *base_url;
	openhands_service_key_fn *service_key;
	void *context;
	int64_t (*now_ms)(void);
};

/** For whom a call is made; borrowed. */
struct openhands_user {
	const char *user_id;
	const char *org_id; /**< NULL: the personal organisation (same id as the user) */
};

/** New client. */
NODISCARD struct openhands *openhands_new(const struct openhands_options *options);

/** Wipe the keys and free; NULL is fine. */
void openhands_free(struct openhands *self);

/** One organisation. */
struct openhands_org {
	char id[OPENHANDS_ID_SIZE];
	char name[OPENHANDS_TEXT_SIZE];
	bool is_personal;
};

/** Organisations of a person. */
struct openhands_orgs {
	struct openhands_org list[OPENHANDS_ORGS_MAX];
	size_t count;
};

/** List the organisations of the person. ERR_AUTH: not a member of `user->org_id`; ERR_NOT_FOUND: no such user. */
NODISCARD bool openhands_list_orgs(struct openhands *self, const struct openhands_user *user,
				   struct openhands_orgs *ret, struct err *err);

/** What the person can reach under a name. */
struct openhands_repository {
	bool is_found;
	bool has_provider;                   /**< at least one Git provider is connected to the account */
	char full_name[OPENHANDS_TEXT_SIZE]; /**< canonical, as the server spells it */
	char git_provider[OPENHANDS_ID_SIZE];
};

/**
 * Look for `full_name` ("owner/name", compared without case) as that person, at the `count` git providers in their order; the
 * first that has it wins. Targeted search, never an enumeration. A provider the person has not connected is passed over.
 */
NODISCARD bool openhands_find_repository(struct openhands *self, const struct openhands_user *user,
					 const char *const *providers, size_t count, const char *full_name,
					 struct openhands_repository *ret, struct err *err);

/** State of a start task; an unknown word is WORKING. */
enum openhands_task_status {
	OPENHANDS_TASK_MISSING, /**< the server does not know it */
	OPENHANDS_TASK_WORKING,
	OPENHANDS_TASK_READY,
	OPENHANDS_TASK_ERROR,
};

/** A start task. */
struct openhands_task {
	char id[OPENHANDS_ID_SIZE];
	enum openhands_task_status status;
	char phase[OPENHANDS_ID_SIZE];    /**< the server's word, for people: WAITING_FOR_SANDBOX … */
	char detail[OPENHANDS_TEXT_SIZE]; /**< text of an ERROR; may be "" */
};

/** What to start; borrowed, NULL leaves a field out. */
struct openhands_start {
	const char *conversation_id; /**< our own, any form */
	const char *message;         /**< first message */
	const char *suffix;          /**< added to the system prompt */
	const char *repository;      /**< canonical full name */
	const char *branch;
	const char *git_provider;
	const char *trigger; /**< "jira" or "resolver" */
	const char *title;
	int64_t pr_number; /**< 0: none */
	json_t *secrets;   /**< names and values that the conversation gets */
};

/**
 * Start a conversation (unsafe). ERR_UNCERTAIN: look with openhands_find_task() and openhands_read_conversation() before
 * repeating. ERR_LIMIT: openhands_limit_of(err->message) says which; `retry_after_ms` is always set. ERR_AUTH: no right to that
 * organisation. A 401 is answered by one new key and one repetition (nothing happened).
 */
NODISCARD bool openhands_start(struct openhands *self, const struct openhands_user *user,
			       const struct openhands_start *start, const struct call_gate *gate,
			       struct openhands_task *ret, struct err *err);

/** Read a start task by id; one that the server does not know says so. */
NODISCARD bool openhands_read_task(struct openhands *self, const struct openhands_user *user, const char *id,
				   struct openhands_task *ret, struct err *err);

/** Find the newest start task of a conversation id among those made since a time; status MISSING when there is none. */
NODISCARD bool openhands_find_task(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
				   int64_t since_ms, struct openhands_task *ret, struct err *err);

/** Which limit stopped a start. */
enum openhands_limit { OPENHANDS_LIMIT_NONE, OPENHANDS_LIMIT_RATE, OPENHANDS_LIMIT_CONCURRENCY, OPENHANDS_LIMIT_DAILY };

/** Which limit a text names: the message of an ERR_LIMIT, or the detail of a start task in ERROR (limits arrive both ways). */
NODISCARD enum openhands_limit openhands_limit_of(const char *text);

#endif
