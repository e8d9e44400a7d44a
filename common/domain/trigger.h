#ifndef OHDC_DOMAIN_TRIGGER_H
#define OHDC_DOMAIN_TRIGGER_H

/* What a delivery asks for: pure decision over the parsed body. trigger_jira.c and trigger_bitbucket.c know the two products. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/domain/mention.h"
#include "common/domain/person.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"
#include "common/domain/repo_ref.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** How the person asked. */
enum trigger_kind { TRIGGER_NONE, TRIGGER_COMMENT, TRIGGER_LABEL };

/** "comment", "label" or NULL; static. */
NODISCARD const char *trigger_kind_name(enum trigger_kind kind);

/** Read a name; false when unknown. */
NODISCARD bool trigger_kind_parse(const char *name, enum trigger_kind *ret);

/** What was read from a delivery; texts owned, NULL when absent or not of this product. */
struct ask {
	enum reason verdict; /**< TRIGGERED, NO_TRIGGER, BOT_AUTHOR, STALE or MALFORMED */
	char detail[160];    /**< for people: why not, or what is malformed */
	enum trigger_kind kind;
	char *event;     /**< as the body (Jira) or the header (Bitbucket) names it */
	char *event_key; /**< set when kind is not TRIGGER_NONE, and for comments without a mention too */
	char *alias_key; /**< the label's key when the comment wins */
	char *subject;   /**< partition key of the subject, NULL when the body has none */
	bool is_mention;
	bool is_edit;
	int64_t happened_at_ms;                     /**< time of the triggering change, 0 when the body says nothing */
	struct person actor;                        /**< who asked: for a comment its author */
	char *issue_id, *issue_key;                 /* Jira */
	char *pull_request_id, *pull_request_title; /* Bitbucket, from here */
	char *project_key, *repo_slug, *repo_id;    /* of toRef */
	char *from_project_key, *from_repo_slug, *branch; /* of fromRef */
	char *comment_id, *comment_text, *parent_id;
	char *visibility_type, *visibility_value; /* Jira: restriction of the comment */
	char *anchor_path;                        /* Bitbucket: file of an inline comment */
	int64_t anchor_line;                      /**< 0: file-level or none */
	struct repo_refs repositories;            /**< candidates of comment and description as the body has them */
};

/** Free and zero. */
void ask_done(struct ask *ask);

/** What the decision needs beside the body. */
struct trigger_context {
	enum provider provider;
	int64_t instance_id;
	const char *event; /**< header ohdc-event */
	const struct bot *bot;
	int64_t received_at_ms;
	int64_t max_age_ms;      /**< OHDC_MAX_TRIGGER_AGE; 0: no limit */
	int64_t activated_at_ms; /**< of the connection, for edits; 0: not known */
};

/** Decide. Never fails: what cannot be used has verdict MALFORMED and says why in `detail`. `ret` is released with ask_done(). */
void trigger_decide(const struct trigger_context *context, const json_t *body, struct ask *ret);

/** The two products' readers, called by trigger_decide(). */
void trigger_read_jira(const struct trigger_context *context, const json_t *body, struct ask *ret);
void trigger_read_bitbucket(const struct trigger_context *context, const json_t *body, struct ask *ret);

/** How words are compared: strncmp or strncasecmp. */
typedef int trigger_compare_fn(const char *a, const char *b, size_t len);

/** Whether a list of Jira's changes put a label on: each gives the whole set before and after, so the difference counts. */
NODISCARD bool trigger_label_added(const json_t *items, const char *label, trigger_compare_fn *compare);

/** New partition key of the body's subject, NULL when it has none (the record is keyed by its delivery id then). */
NODISCARD char *trigger_subject(enum provider provider, int64_t instance_id, const json_t *body);

/** New event name of a body: Jira's webhookEvent, Bitbucket's eventKey; NULL when it has none. */
NODISCARD char *trigger_event_name(enum provider provider, const json_t *body);

/** Where a body must come from. */
struct trigger_origin {
	const char *host;        /**< Jira: host of the instance */
	const char *project_key; /**< Bitbucket: repository of the connection */
	const char *repo_slug;
	int64_t repo_id; /**< 0: not known */
};

/** Whether the body belongs there: Jira: all hosts in its self links agree; Bitbucket: key and slug, or the stored numeric id. */
NODISCARD bool trigger_origin_ok(enum provider provider, const json_t *body, const struct trigger_origin *origin);

/** Whether a body may hold an ask, and so must be kept: label word or a bot name in its bytes, in doubt (escapes) yes. */
NODISCARD bool trigger_may_ask(struct bytes body, const struct bot *bot);

/** The object that `ohdc explain` prints (new reference). */
NODISCARD json_t *ask_explain(const struct trigger_context *context, const struct ask *ask);

/** The ask as stored in table trigger and carried in job records (new reference), and back. */
NODISCARD json_t *ask_to_json(const struct ask *ask);
NODISCARD bool ask_from_json(const json_t *json, struct ask *ret, struct err *err);

#endif
