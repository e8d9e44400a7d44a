/* Before a start: may this ask start by the lists of the installation, and does the asker's sign-in at Jira still hold? */

#include "common/connect/access_store.h"
#include "common/domain/access_rule.h"
#include "services/dispatcher/jira_secret.h"

#include "common/base/text.h"

#include "common/base/banned.h"

static void name(const char *names[ACCESS_NAMES_MAX], size_t *at, const char *value)
{
	if (!text_is_empty(value)) names[(*at)++] = value;
}

/* Known are the project and the person; the repository of a Jira issue only when its step is done ("" then: none). */
static void describe(const struct task *task, const char *asked_in, struct access_subject *ret)
{
	const struct ask *ask = &task->job.record.ask;
	bool is_decided = task->job.machine.step == STEP_REPOSITORY;
	size_t users = 0;
	size_t repositories = 0;
	ret->names[ACCESS_PROJECT][0] = task->peer.project ? task->peer.project : "";
	name(ret->names[ACCESS_REPOSITORY], &repositories, asked_in);
	name(ret->names[ACCESS_REPOSITORY], &repositories, task->job.repository);
	if (is_decided && repositories == 0) ret->names[ACCESS_REPOSITORY][0] = "";
	name(ret->names[ACCESS_USER], &users, ask->actor.name);
	name(ret->names[ACCESS_USER], &users, ask->actor.key);
	ret->names[ACCESS_ORG][0] = task->job.org_id;
}

static bool is_permitted(const struct task *task, bool *ret, struct err *err)
{
	const struct ask *ask = &task->job.record.ask;
	CLEANUP(strbuf_done) struct strbuf why = strbuf_of(ERR_MESSAGE_SIZE);
	CLEANUP(strbuf_done) struct strbuf asked_in = strbuf_of(LIMIT_NAME_BYTES);
	struct access_subject subject = {0};
	json_auto_t *rules = NULL;
	if (!access_list(task->dispatcher->pool, task->job.record.instance_id, &rules, err)) return false;
	if (task->peer.provider == PROVIDER_BITBUCKET)
		strbuf_addf(&asked_in, "%s/%s", ask->project_key, ask->repo_slug);
	describe(task, strbuf_text(&asked_in), &subject);
	*ret = access_permits(rules, &subject, &why);
	if (!*ret) (void)err_set(err, ERR_INPUT, "%s", strbuf_text(&why));
	return true;
}

/* Only what the asker has to mend stops a start: without a token for another reason it goes on without one. */
static bool has_to_link(const struct task *task, struct err *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	return task->job.machine.step == STEP_REPOSITORY && jira_secret_is_wanted(task) &&
	       !jira_secret_read(task, &token, err) && err->code == ERR_AUTH;
}

bool step_access(struct task *task, struct job_event *ret, struct err *err)
{
	bool is_good = false;
	if (!is_permitted(task, &is_good, err)) return step_failed(task, ret, err);
	if (!is_good) return step_says(ret, EVENT_REFUSE, REASON_POLICY_DENIED, err->message);
	if (has_to_link(task, err)) return step_says(ret, EVENT_REFUSE, REASON_LOGIN_NEEDED, err->message);
	return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
}
