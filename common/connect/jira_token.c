/* One renewal at a time for each link, whoever asks, in whatever process. */
#include "common/connect/jira_token.h"

#include "common/base/mem.h"
#include "common/base/uuid.h"
#include "common/connect/link_store.h"
#include "common/io/api_call.h"
#include "common/io/entropy.h"
#include "common/io/sysclock.h"

#include <time.h>

#include "common/base/banned.h"

enum {
	WAIT_MS = 20000,  /* for somebody else's renewal */
	LOOK_MIN_MS = 50, /* between two looks meanwhile */
	LOOK_MAX_MS = 400,
	SAVE_MS = 5000,         /* for storing what came of it while the database is away */
	LEASE_SPARE_MS = 10000, /* of the lease beyond the call */
	REST_MS = 5000,         /* after a failure nobody tries again */
};

/* What is known of a link: enum column. Unknown ends count as fresh. */
#define COLUMNS                                                                                  \
	"l.id, l.instance_id, l.account_key, encode(l.tokens_sealed, 'hex'),"                    \
	" l.token_expires_at is null or l.token_expires_at > clock_timestamp() + interval '300 " \
	"s',"                                                                                    \
	" l.token_expires_at > clock_timestamp(),"                                               \
	" l.refresh_owner is null and l.refresh_until > clock_timestamp()"

enum column { ID, INSTANCE, ACCOUNT, SEALED, IS_FRESH, IS_VALID, IS_RESTING };

static const char sql_read[] =
	"select " COLUMNS " from user_link l join instance i on i.id = l.instance_id"
	" where i.provider = 'jira' and i.base_url = $2 and l.user_id = $1 and l.status = 'active'"
	" and (l.tokens_sealed is not null or l.method = 'oauth')"
	" order by l.updated_at desc limit 1";

/* The same look decides and claims: what is claimed is still old. */
static const char sql_claim[] = "update user_link l set refresh_owner = $2,"
				" refresh_until = clock_timestamp() + $3 * interval '1 ms'"
				" where id = $1 and user_id = $4 and status = 'active' and tokens_sealed is not null"
				" and (refresh_until is null or refresh_until < clock_timestamp())"
				" and token_expires_at <= clock_timestamp() + interval '300 s' returning " COLUMNS;

static const char sql_save[] = "update user_link set tokens_sealed = $3, token_expires_at = clock_timestamp() +"
			       " nullif($4::bigint, 0) * interval '1 s', refreshed_at = clock_timestamp(),"
			       " refresh_owner = null, refresh_until = null where id = $1 and refresh_owner = $2";

static const char sql_forget[] =
	"update user_link set tokens_sealed = null, token_expires_at = null, refresh_owner = null,"
	" refresh_until = null where id = $1 and refresh_owner = $2";

static const char sql_rest[] = "update user_link set refresh_owner = null, refresh_until = clock_timestamp() +"
			       " $3 * interval '1 ms' where id = $1 and refresh_owner = $2";

bool jira_token_check(struct config *config, struct err *err)
{
	static const char *const needed[] = {"JWT_SECRET", "JIRA_DC_CLIENT_SECRET", "JIRA_DC_CLIENT_ID",
					     "JIRA_DC_BASE_URL"};
	if (!config_bool(config, "OHDC_JIRA_TOKEN_IN_SANDBOX")) return true;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		CLEANUP(secret_done) struct secret secret = {0};
		bool is_set = i < 2 ? config_secret(config, needed[i], &secret) : config_text(config, needed[i]) != NULL;
		if (!is_set)
			return err_set(err, ERR_INPUT,
				       "%s is not set, expected because OHDC_JIRA_TOKEN_IN_SANDBOX is on", needed[i]);
	}
	return true;
}

/* A link as it was read or claimed. */
struct renewal {
	const struct jira_tokens *tokens;
	struct db_rows rows;
	struct oauth_tokens pair;
	char owner[UUID_TEXT_SIZE]; /* of the lease: this attempt */
};

static void renewal_done(struct renewal *renewal)
{
	db_rows_done(&renewal->rows);
	oauth_tokens_done(&renewal->pair);
}

/* The rows' pair; ERR_AUTH where it was forgotten. */
static bool open_pair(struct renewal *renewal, struct err *err)
{
	const struct db_rows *rows = &renewal->rows;
	if (rows->count == 0) return err_set(err, ERR_NOT_FOUND, "no account in Jira is linked");
	if (db_is_null(rows, 0, SEALED))
		return err_set(err, ERR_AUTH, "Jira has ended the sign-in: link the account again");
	return link_tokens_open(renewal->tokens->keys, db_int(rows, 0, INSTANCE), db_text(rows, 0, ACCOUNT), rows,
				SEALED, &renewal->pair, err);
}

static bool take(const struct secret *access, struct secret *ret)
{
	secret_set(ret, access->text, access->len);
	return true;
}

/* The new pair exists nowhere else: a database that is away is asked again while the lease lasts. */
static bool save(const struct renewal *renewal, const struct strbuf *sealed, int64_t expires_in_s, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	int64_t until_ms = sysclock_monotonic_ms() + SAVE_MS;
	const struct timespec pause = {.tv_nsec = LOOK_MIN_MS * 1000000L};
	bool is_run;
	do {
		is_run = db_query(renewal->tokens->pool, sql_save,
				  DB_PARAMS(db_int(&renewal->rows, 0, ID), renewal->owner,
					    bytes_of(sealed->text, sealed->len), expires_in_s),
				  &rows, err);
		if (!is_run) (void)nanosleep(&pause, NULL);
	} while (!is_run && sysclock_monotonic_ms() < until_ms);
	if (!is_run) return err_wrap(err, "the new Jira token could not be stored");
	return rows.count > 0 || err_set(err, ERR_CONFLICT, "the link was changed meanwhile");
}

static bool store_pair(struct renewal *renewal, struct oauth_tokens *fresh, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	/* Jira may keep the refresh token as it is, and then does not repeat it. */
	if (!secret_is_set(&fresh->refresh)) (void)take(&renewal->pair.refresh, &fresh->refresh);
	return link_tokens_seal(renewal->tokens->keys, db_int(&renewal->rows, 0, INSTANCE),
				db_text(&renewal->rows, 0, ACCOUNT), fresh, &sealed, err) &&
	       save(renewal, &sealed, fresh->expires_in_s, err);
}

/* Renewing failed: a refusal ends the sign-in, anything else lets the old token serve out its time. */
static bool give_up(struct renewal *renewal, struct secret *ret, struct err *err)
{
	struct db_pool *pool = renewal->tokens->pool;
	int64_t id = db_int(&renewal->rows, 0, ID);
	if (err->code == ERR_AUTH) {
		(void)!db_query(pool, sql_forget, DB_PARAMS(id, renewal->owner), NULL, NULL);
		return false;
	}
	(void)!db_query(pool, sql_rest, DB_PARAMS(id, renewal->owner, (int64_t)REST_MS), NULL, NULL);
	return db_bool(&renewal->rows, 0, IS_VALID) ? take(&renewal->pair.access, ret) : false;
}

static bool renew(struct renewal *renewal, struct secret *ret, struct err *err)
{
	CLEANUP(oauth_tokens_done) struct oauth_tokens fresh = {0};
	const struct secret *refresh = &renewal->pair.refresh;
	bool is_renewed = open_pair(renewal, err) &&
			  (secret_is_set(refresh) || err_set(err, ERR_AUTH, "Jira gave no token to renew with")) &&
			  oauth_renew(renewal->tokens->oauth, refresh, &fresh, err);
	if (!is_renewed) return give_up(renewal, ret, err);
	return store_pair(renewal, &fresh, err) && take(&fresh.access, ret);
}

/* Take the lease, and with it the pair as it is now. ERR_CONFLICT: somebody else has it. */
static bool claim(struct renewal *renewal, int64_t id, const char *user_id, struct err *err)
{
	const struct uuid owner = entropy_uuid();
	int64_t lease_ms = config_int(renewal->tokens->oauth->config, "JIRA_DC_HTTP_TIMEOUT") * 1000 + LEASE_SPARE_MS;
	uuid_text(&owner, renewal->owner);
	return db_query(renewal->tokens->pool, sql_claim, DB_PARAMS(id, renewal->owner, lease_ms, user_id),
			&renewal->rows, err) &&
	       (renewal->rows.count > 0 || err_set(err, ERR_CONFLICT, "somebody else renews the Jira token"));
}

/*
 * One look at the link: use its token, renew it, or come back when somebody else has (ERR_CONFLICT). `is_last`: do with what is
 * there. After a conflict the row knows: it was changed under us, or a lost answer of the database had stored it after all.
 */
static bool look(const struct jira_tokens *tokens, const char *user_id, bool is_last, struct secret *ret, struct err *err)
{
	CLEANUP(renewal_done) struct renewal seen = {.tokens = tokens};
	CLEANUP(renewal_done) struct renewal own = {.tokens = tokens};
	const char *base_url = config_text(tokens->oauth->config, "JIRA_DC_BASE_URL");
	if (!db_query(tokens->pool, sql_read, DB_PARAMS(user_id, base_url), &seen.rows, err) || !open_pair(&seen, err))
		return false;
	bool has_to_do = is_last || db_bool(&seen.rows, 0, IS_RESTING);
	if (db_bool(&seen.rows, 0, IS_FRESH) || (has_to_do && db_bool(&seen.rows, 0, IS_VALID)))
		return take(&seen.pair.access, ret);
	if (has_to_do) return err_set(err, ERR_BUSY, "the Jira token cannot be renewed just now");
	return claim(&own, db_int(&seen.rows, 0, ID), user_id, err) && renew(&own, ret, err);
}

bool jira_token_read(const struct jira_tokens *tokens, const char *user_id, struct secret *ret, struct err *err)
{
	int64_t until_ms = sysclock_monotonic_ms() + WAIT_MS;
	long pause_ms = LOOK_MIN_MS;
	struct err why = {0};
	while (!look(tokens, user_id, sysclock_monotonic_ms() >= until_ms, ret, &why)) {
		if (why.code != ERR_CONFLICT) return api_call_settle(false, &why, err);
		const struct timespec pause = {.tv_nsec = pause_ms * 1000000L};
		(void)nanosleep(&pause, NULL);
		if (pause_ms < LOOK_MAX_MS) pause_ms *= 2;
	}
	return true;
}
