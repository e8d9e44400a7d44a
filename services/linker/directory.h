#ifndef OHDC_LINKER_DIRECTORY_H
#define OHDC_LINKER_DIRECTORY_H

/* Port: who in OpenHands is this person? Asked in the order of OHDC_DIRECTORIES; the first that knows decides. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"
#include "common/domain/trigger.h"
#include "common/io/config.h"
#include "common/io/db.h"
#include "common/io/http_client.h"

#include <stdbool.h>
#include <stdint.h>

/** What a directory, or all of them, came to. */
enum lookup {
	LOOKUP_HIT,     /**< this is the user */
	LOOKUP_MISS,    /**< not this one: ask the next; a `reason` counts when nobody else hits */
	LOOKUP_REFUSED, /**< knows the person and says no: `reason` tells why */
	LOOKUP_FAILED,  /**< could not be asked, or may not see: try again later */
};

/** The question; everything borrowed. */
struct lookup_question {
	enum provider provider;
	int64_t instance_id;
	const char *base_url; /**< of the instance, normalised */
	const struct person *actor;
};

/** The answer; texts owned. */
struct lookup_answer {
	char *user_id;
	char *org_id;
	enum reason reason;
	char detail[160];
};

/** Free and zero. */
void lookup_answer_done(struct lookup_answer *answer);

/** What directories are made with; everything borrowed. */
struct directory_options {
	struct db_pool *pool;
	struct config *config;
	struct http_client *client;
	int64_t call_deadline_ms; /**< of one HTTP call; all calls of one look-up together must fit into a lease */
	const struct crypto_keyring *keys; /**< opens the bot's token of a connection; NULL: the environment's only */
};

struct keycloak;

/** One directory: asks with what it was opened with. */
struct directory {
	const struct directory_options *options; /**< borrowed */
	struct keycloak *keycloak;               /**< owned; NULL: it is another one */
	enum lookup (*find)(const struct directory *self, const struct lookup_question *question,
			    struct lookup_answer *ret, struct err *err);
};

/** Own links: table user_link. */
NODISCARD enum lookup directory_links_find(const struct directory *self, const struct lookup_question *question,
					   struct lookup_answer *ret, struct err *err);

/** Keycloak's admin API. */
NODISCARD enum lookup directory_keycloak_find(const struct directory *self, const struct lookup_question *question,
					      struct lookup_answer *ret, struct err *err);

struct directories;

/** All directories of OHDC_DIRECTORIES; Keycloak only where it is configured. ERR_INPUT: one that is not there. */
NODISCARD bool directories_new(const struct directory_options *options, struct directories **ret, struct err *err);

/** Free; NULL is fine. */
void directories_free(struct directories *directories);

/**
 * Ask one after the other. HIT: user_id is set. MISS does not come: who is nowhere is REFUSED with a reason. FAILED: `err` says
 * why. Blocks on the database and the network; any thread.
 */
NODISCARD enum lookup directories_find(struct directories *directories, const struct lookup_question *question,
				       struct lookup_answer *ret, struct err *err);

/** Whether Jira users of this server are matched by e-mail (OAuth is off, and the server is one of the configuration). */
NODISCARD bool directory_is_email_mode(const struct config *config, const char *base_url);

#endif
