/* Every sentence that people read in Jira and Bitbucket. Names and sentences are interface: see NOTICE. */
#include "services/dispatcher/texts.h"

#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"

#include <string.h>

#include "common/base/banned.h"

#define ACCOUNT "[{product}]({app})"

/** One text; `bitbucket` NULL: the same words in both products. */
struct text_row {
	const char *name;
	const char *jira;
	const char *bitbucket;
};

static const struct text_row rows[TEXT_COUNT] = {
	[TEXT_ACK] = {"ack",
		      "I'm on it in {repository}! {asker} can [track my progress here]({link}).",
		      "I'm on it in {repository}! {asker} can "
		      "[track my progress at {host}]({link})"},
	[TEXT_ACK_NO_REPOSITORY] = {"ack_no_repository",
				    "I'm on it! {asker} can [track my progress here]({link}).\n\n"
				    "Note: This conversation started without a repository.",
				    "I'm on it! {asker} can [track my progress at {host}]({link})"},
	[TEXT_ACK_FOLLOW_UP] =
		{"ack_follow_up",
		 "I'm on it! {asker} can [continue tracking my progress here]({link}).",
		 "I'm on it! {asker} can "
		 "[continue tracking my progress at {host}]({link})"},
	[TEXT_ORG_NOTE] = {"org_note", "It runs in the organization {org}.", NULL},
	[TEXT_RESULT] = {"result", "{mention} {product} resolved this issue:", "{mention}"},
	[TEXT_RESULT_EMPTY] = {"result_empty",
			       "The job is finished. There is no closing message; "
			       "[the conversation]({link}) shows what was done.",
			       NULL},
	[TEXT_RESULT_CUT] = {"result_cut",
			     "… cut here, because it is longer than a comment may be. "
			     "[The conversation]({link}) has the rest.",
			     NULL},
	[TEXT_RESULT_SOURCE] = {"result_source", "In reply to [this comment]({comment}).", NULL},
	[TEXT_USER_UNKNOWN] =
		{"user_unknown",
		 "{mention} it looks like you haven't created an {product} account yet. "
		 "Please sign up at " ACCOUNT " and try again.",
		 NULL},
	[TEXT_USER_NOT_LINKED] = {"user_not_linked",
				  "{mention} you have an {product} account but haven't linked it "
				  "to this workspace yet. "
				  "Please link it at " ACCOUNT
				  " under Settings > Integrations and try again.",
				  "{mention} you have an {product} account but haven't connected "
				  "it to Bitbucket yet. "
				  "Please connect it at " ACCOUNT
				  " under Settings > Integrations and try again."},
	[TEXT_LINK_EXPIRED] =
		{"link_expired",
		 "Hi {mention}, your Jira workspace link has expired or is not yet set up. "
		 "Please re-link in " ACCOUNT " under Settings → Integrations to continue using "
		 "{product} from Jira.",
		 "{mention} your link to Bitbucket has expired. Please login again at " ACCOUNT
		 " and try again."},
	[TEXT_LOGIN_NEEDED] = {"login_needed",
			       "{mention} Please re-login into " ACCOUNT " before starting a job.",
			       "{mention} please re-login into " ACCOUNT " before starting a job."},
	[TEXT_LLM_KEY_NEEDED] = {"llm_key_needed",
				 "{mention} Please set a valid LLM API key in " ACCOUNT
				 " before starting a job.",
				 "{mention} please set a valid LLM API key in " ACCOUNT
				 " before starting a job."},
	[TEXT_SESSION_EXPIRED] =
		{"session_expired",
		 "{mention} Your session has expired. Please login again at " ACCOUNT
		 " and try again.",
		 "{mention} your session has expired. Please login again at " ACCOUNT
		 " and try again."},
	[TEXT_INTEGRATION_OFF] = {"integration_off",
				  "{mention} Jira DC integration is not active for your workspace.",
				  "{mention} the {product} integration is not active for this "
				  "repository."},
	[TEXT_POLICY_DENIED] =
		{"policy_denied",
		 "{mention} {product} may not work on this: the rules of this "
		 "installation leave out this project, repository or account. {detail}",
		 NULL},
	[TEXT_AUTHOR_MISMATCH] =
		{"author_mismatch",
		 "{mention} this request was changed by somebody else than its author, "
		 "so nothing was started. Please ask again in a comment of your own.",
		 NULL},
	[TEXT_ISSUE_UNREADABLE] =
		{"issue_unreadable", "{mention} Failed to retrieve issue details. Please check the issue key and try again.",
		 "{mention} the pull request could not be read. Please check that {product} has "
		 "access to the repository and try again."},
	[TEXT_NO_REPOSITORY] = {"no_repository",
				"{mention} Could not determine which repository to use. Please "
				"mention the repository "
				"(e.g., owner/repo) in the issue description or comment. A line of "
				"its own decides: "
				"`Repository: owner/repo`",
				NULL},
	[TEXT_REPOSITORY_AMBIGUOUS] = {"repository_ambiguous",
				       "{mention} Multiple repositories found: {names}. Please "
				       "specify exactly one repository "
				       "in the issue description or comment.",
				       NULL},
	[TEXT_REPOSITORY_DENIED] =
		{"repository_denied",
		 "{mention} Could not access any of the mentioned repositories: {names}. Please "
		 "ensure "
		 "the repository exists and that the Git account linked to your {product} user can "
		 "access it.",
		 NULL},
	[TEXT_LIMIT_DAILY] = {"limit_daily",
			      "{mention} the daily number of conversations is used up. "
			      "Please ask again after {time}.",
			      NULL},
	[TEXT_LIMIT_PERSON] =
		{"limit_person",
		 "{mention} the daily number of requests for one person or one issue is "
		 "used up. Please ask again after {time}.",
		 NULL},
	[TEXT_WAITING] = {"waiting",
			  "{mention} your request waits: {detail}. It goes on by itself at {time}; "
			  "there is nothing that you need to do.",
			  NULL},
	[TEXT_START_FAILED] =
		{"start_failed",
		 "{mention} Sorry, there was an unexpected error starting the job. Please try "
		 "again."
		 "\n\n{detail}",
		 "{mention} Uh oh! There was an unexpected error starting the job :(\n\n{detail}"},
	[TEXT_ENDED_IN_ERROR] = {"ended_in_error",
				 "{mention} {product} encountered an error: **{detail}**\n\n"
				 "[See the conversation]({link}) for more information.",
				 NULL},
	[TEXT_ENDED_STUCK] =
		{"ended_stuck",
		 "{mention} {product} got stuck: it repeated the same steps and stopped. "
		 "[The conversation]({link}) shows where; you can go on from there, or "
		 "ask again with more detail.",
		 NULL},
	[TEXT_CONFIRMATION] = {"confirmation",
			       "{mention} {product} waits for your confirmation before it goes on. "
			       "Please answer in [the conversation]({link}).",
			       NULL},
	[TEXT_DEADLINE] =
		{"deadline",
		 "{mention} the job took longer than it may, so it is no longer followed. "
		 "[The conversation]({link}) shows how far it came.",
		 NULL},
	[TEXT_VANISHED] =
		{"vanished",
		 "{mention} the conversation ended without a result: its workspace is gone. "
		 "What was left is in [the conversation]({link}). Please ask again.",
		 NULL},
	[TEXT_UPSTREAM_FAILED] =
		{"upstream_failed",
		 "{mention} {product} could not be reached for too long, so nothing "
		 "was started. Please ask again. {detail}",
		 NULL},
	[TEXT_STOPPED] =
		{"stopped",
		 "{mention} the job was stopped on request. [The conversation]({link}) shows "
		 "how far it came.",
		 NULL},
	[TEXT_NOTHING_TO_STOP] = {"nothing_to_stop",
				  "{mention} there is no running job to stop here.", NULL},
	[TEXT_QUARANTINED] =
		{"quarantined",
		 "{mention} this request failed again and again and was set aside. The "
		 "operators of {product} can see it and release it.",
		 NULL},
};

/** Which text explains a reason; reasons that are not here are not told to people. */
static const struct {
	enum reason reason;
	enum text_id text;
} reasons[] = {
	{REASON_INTEGRATION_OFF, TEXT_INTEGRATION_OFF},
	{REASON_USER_NOT_LINKED, TEXT_USER_NOT_LINKED},
	{REASON_USER_UNKNOWN, TEXT_USER_UNKNOWN},
	{REASON_LOGIN_NEEDED, TEXT_LOGIN_NEEDED},
	{REASON_AUTHOR_MISMATCH, TEXT_AUTHOR_MISMATCH},
	{REASON_POLICY_DENIED, TEXT_POLICY_DENIED},
	{REASON_NO_REPOSITORY, TEXT_NO_REPOSITORY},
	{REASON_REPOSITORY_AMBIGUOUS, TEXT_REPOSITORY_AMBIGUOUS},
	{REASON_REPOSITORY_DENIED, TEXT_REPOSITORY_DENIED},
	{REASON_LIMITED, TEXT_LIMIT_PERSON},
	{REASON_UPSTREAM_FAILED, TEXT_UPSTREAM_FAILED},
	{REASON_QUARANTINED, TEXT_QUARANTINED},
	{REASON_STOPPED, TEXT_STOPPED},
};

void texts_done(struct texts *texts)
{
	if (!texts)
		return;
	for (size_t i = 0; i < TEXT_COUNT; i++)
		mem_free(texts->replaced[i]);
	*texts = (struct texts){0};
}

const char *texts_template(const struct texts *texts, enum provider provider, enum text_id id)
{
	if (texts && texts->replaced[id])
		return texts->replaced[id];
	if (provider == PROVIDER_BITBUCKET && rows[id].bitbucket)
		return rows[id].bitbucket;
	return rows[id].jira;
}

const char *texts_name(enum text_id id)
{
	return rows[id].name;
}

bool texts_for_reason(enum reason reason, enum text_id *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].reason == reason) {
			*ret = reasons[i].text;
			return true;
		}
	}
	return false;
}

/* --- the replacing file --------------------------------------------------------------------------- */

static bool find_name(struct bytes name, size_t *ret)
{
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		if (bytes_equal(name, bytes_text(rows[i].name))) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* `\n` becomes a line break; every other backslash stays (it is Markdown's). */
static char *unescape(struct bytes text)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	strbuf_init(&out, TEXT_MAX_BYTES);
	for (size_t i = 0; i < text.len; i++) {
		bool is_break = text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == 'n';
		strbuf_add_char(&out, is_break ? '\n' : (char)text.ptr[i]);
		i += is_break;
	}
	return strbuf_take(&out);
}

static struct bytes trim(struct bytes line)
{
	while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]))
		line.len--;
	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
		line = bytes_of(line.ptr + 1, line.len - 1);
	return line;
}

static bool parse_line(struct bytes line, int64_t number, struct texts *texts, struct err *err)
{
	struct bytes row = trim(line);

	if (row.len == 0 || row.ptr[0] == '#')
		return true;
	const uint8_t *sign = memchr(row.ptr, '=', row.len);
	if (!sign)
		return err_set(err, ERR_INPUT, "line %lld: no '='", (long long)number);
	size_t at = 0;
	size_t name_len = (size_t)(sign - row.ptr);
	if (!find_name(trim(bytes_of(row.ptr, name_len)), &at))
		return err_set(err, ERR_INPUT, "line %lld: unknown text '%.*s'", (long long)number,
			       name_len < 40 ? (int)name_len : 40, (const char *)row.ptr);
	struct bytes text = trim(bytes_of(sign + 1, row.len - name_len - 1));
	if (text.len == 0 || text.len > TEXT_MAX_BYTES || !text_is_utf8(text))
		return err_set(err, ERR_INPUT, "line %lld: the text must be UTF-8 of 1 to %d bytes",
			       (long long)number, TEXT_MAX_BYTES);
	mem_free(texts->replaced[at]);
	texts->replaced[at] = unescape(text);
	return true;
}

bool texts_parse(const char *file, struct texts *ret, struct err *err)
{
	CLEANUP(texts_done) struct texts texts = {0};
	int64_t number = 1;

	for (const char *at = file; *at; number++) {
		size_t len = strcspn(at, "\n");
		if (!parse_line(bytes_of(at, len), number, &texts, err))
			return false;
		at += len + (at[len] == '\n');
	}
	*ret = texts;
	texts = (struct texts){0};
	return true;
}
