/* Directory: the links that people made themselves, or an operator made for them. */

#include <string.h>

#include "services/linker/directory.h"

#include "common/base/banned.h"

/*
 * $2 is the stable id, $3 the name that may stand in for it; $4: links matched by e-mail count too. Nobody is found by the stand-in
 * of an account that is not known yet, even when somebody is named like it.
 */
static const char sql_find[] = "select user_id, org_id from user_link where instance_id = $1"
			       " and account_key in ($2, $3) and (method <> 'email' or $4::boolean)"
			       " and status = 'active' and account_key not like 'unavailable:%'"
			       " order by account_key = $2 desc limit 1";

enum lookup directory_links_find(const struct directory *self, const struct lookup_question *question,
				 struct lookup_answer *ret, struct err *err)
{
	const struct person *actor = question->actor;
	bool is_jira = question->provider == PROVIDER_JIRA;
	const char *stable = is_jira ? actor->key : actor->id;
	const char *spare = is_jira ? actor->name : actor->key;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	/* A Jira name can be given to somebody else: it counts only where the body has no key. */
	if (is_jira && stable) spare = NULL;
	if (!stable && !spare) return LOOKUP_MISS;
	bool is_email = !is_jira || directory_is_email_mode(self->options->config, question->base_url);
	if (!db_query(self->options->pool, sql_find, DB_PARAMS(question->instance_id, stable, spare, is_email), &rows,
		      err)) {
		(void)err_wrap(err, "links");
		return LOOKUP_FAILED;
	}
	if (rows.count == 0) return LOOKUP_MISS;
	ret->user_id = db_copy(&rows, 0, 0);
	ret->org_id = db_copy(&rows, 0, 1);
	return LOOKUP_HIT;
}
