/* Directory: accounts in Keycloak, by the Bitbucket id it notes at each sign-in, or by e-mail address. */

#include <stdio.h>
#include <string.h>

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "services/linker/directory.h"
#include "services/linker/jira_user.h"
#include "services/linker/keycloak.h"
#include "services/linker/keycloak_answer.h"

#include "common/base/banned.h"

#define ATTRIBUTE "bitbucket_data_center_id"

/*
 * Unique on both sides: a user who already stands for another account of this server is not taken. The link of a user whose account
 * was not known yet becomes this one. Whoever disconnected, or was disconnected, is not linked again behind their back.
 */
static const char sql_enrol[] =
	"with made as (insert into user_link as l (instance_id, account_key, user_id, account_name,"
	" method) select $1, $2, $3, $4, 'email' where not exists (select 1 from user_link"
	" where instance_id = $1 and user_id = $3 and account_key <> $2"
	" and (account_key <> 'unavailable:' || $3 or status = 'inactive'))"
	" on conflict (instance_id, account_key) do update set user_id = excluded.user_id,"
	" updated_at = clock_timestamp()"
	" where l.method = 'email' and l.status = 'active' returning account_key),"
	" gone as (delete from user_link where instance_id = $1"
	" and account_key = 'unavailable:' || $3 and exists (select 1 from made))"
	" select account_key from made";

static enum lookup refuse(struct lookup_answer *ret, enum lookup lookup, enum reason reason, const char *detail)
{
	ret->reason = reason;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
	return lookup;
}

/* What an account means for the person who asked. A miss may carry a reason: it counts when no other directory hits. */
static enum lookup conclude(enum account account, const char *id, struct lookup_answer *ret)
{
	switch (account) {
	case ACCOUNT_ONE: ret->user_id = mem_dup(id); return LOOKUP_HIT;
	case ACCOUNT_DISABLED: return refuse(ret, LOOKUP_REFUSED, REASON_LOGIN_NEEDED, "the account is switched off");
	case ACCOUNT_UNVERIFIED:
		return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED, "the account's e-mail address is not verified");
	case ACCOUNT_AMBIGUOUS: return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED, "several accounts match");
	case ACCOUNT_NONE: return LOOKUP_MISS;
	}
	return LOOKUP_MISS;
}

/* --- Bitbucket -------------------------------------------------------------------------------------- */

static enum lookup by_attribute(const struct directory *self, const char *value, struct lookup_answer *ret,
				struct err *err)
{
	json_auto_t *users = NULL;
	char query[512];
	char id[ACCOUNT_ID_SIZE] = "";
	if (!keycloak_is_value(value)) return LOOKUP_MISS;
	(void)snprintf(query, sizeof(query), "q=" ATTRIBUTE "%%3A%.256s&max=3", value);
	if (!keycloak_search(self->keycloak, query, &users, err)) return LOOKUP_FAILED;
	return conclude(keycloak_account(users, ATTRIBUTE, value, id), id, ret);
}

/*
 * Numeric ids are unique on one server only: the attribute speaks of the configured one. A slug of digits could be somebody
 * else's id, so it is not tried.
 */
static enum lookup find_bitbucket(const struct directory *self, const struct lookup_question *question,
				  struct lookup_answer *ret, struct err *err)
{
	const char *own = config_text(self->options->config, "BITBUCKET_DATA_CENTER_HOST");
	const char *slug = question->actor->key;
	enum lookup found;
	if (!own || strcmp(own, question->base_url) != 0)
		return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED,
			      "Keycloak knows users of BITBUCKET_DATA_CENTER_HOST only");
	found = by_attribute(self, question->actor->id, ret, err);
	if (found != LOOKUP_MISS || ret->reason != REASON_NONE || text_is_empty(slug) ||
	    slug[strspn(slug, "0123456789")] == '\0')
		return found;
	return by_attribute(self, slug, ret, err);
}

/* --- Jira ------------------------------------------------------------------------------------------- */

static bool search_email(const struct directory *self, const char *email, enum account *ret,
			 char ret_id[ACCOUNT_ID_SIZE], struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf query = strbuf_of(2000);
	json_auto_t *users = NULL;
	strbuf_add(&query, "email=");
	encode_percent(&query, bytes_text(email));
	strbuf_add(&query, "&exact=true&max=3");
	if (query.is_cut) return err_set(err, ERR_INPUT, "the e-mail address is too long");
	if (!keycloak_search(self->keycloak, strbuf_text(&query), &users, err)) return false;
	*ret = keycloak_account(users, NULL, email, ret_id);
	return true;
}

/* OAuth mode: an account never follows from an e-mail address, only what to tell the person does. */
static enum lookup hint_by_email(const struct directory *self, const char *email, struct lookup_answer *ret,
				 struct err *err)
{
	enum account account = ACCOUNT_NONE;
	char id[ACCOUNT_ID_SIZE] = "";
	if (text_is_empty(email)) return LOOKUP_MISS;
	if (!search_email(self, email, &account, id, err)) return LOOKUP_FAILED;
	if (account == ACCOUNT_NONE) return LOOKUP_MISS;
	return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED,
		      "an account with this e-mail address exists, but is not linked");
}

static enum lookup enrol(const struct directory *self, const struct lookup_question *question, const char *user_id,
			 struct lookup_answer *ret, struct err *err)
{
	const struct person *actor = question->actor;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(self->options->pool, sql_enrol,
		      DB_PARAMS(question->instance_id, actor->key ? actor->key : actor->name, user_id, actor->name),
		      &rows, err))
		return LOOKUP_FAILED;
	if (rows.count == 0)
		return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED,
			      "the account already stands for another user of this Jira, or was disconnected");
	return conclude(ACCOUNT_ONE, user_id, ret);
}

static enum lookup match_email(const struct directory *self, const struct lookup_question *question,
			       struct lookup_answer *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *email = mem_dup(question->actor->email);
	enum account account = ACCOUNT_NONE;
	char id[ACCOUNT_ID_SIZE] = "";
	if (!email && !jira_user_email(self->options, question, &email, err)) return LOOKUP_FAILED;
	if (text_is_empty(email))
		return refuse(ret, LOOKUP_MISS, REASON_USER_NOT_LINKED,
			      "Jira does not show this person's e-mail address");
	if (!search_email(self, email, &account, id, err)) return LOOKUP_FAILED;
	if (account == ACCOUNT_ONE && (question->actor->key || question->actor->name))
		return enrol(self, question, id, ret, err);
	return conclude(account, id, ret);
}

enum lookup directory_keycloak_find(const struct directory *self, const struct lookup_question *question,
				    struct lookup_answer *ret, struct err *err)
{
	if (question->provider == PROVIDER_BITBUCKET) return find_bitbucket(self, question, ret, err);
	if (directory_is_email_mode(self->options->config, question->base_url))
		return match_email(self, question, ret, err);
	return hint_by_email(self, question->actor->email, ret, err);
}
