/* Every sentence that people read in Jira and Bitbucket. Names and sentences are interface: see NOTICE. */
#include "services/dispatcher/texts.h"

#include "common/base/banned.h"

#define ACCOUNT "[{product}]({app})"

/** One text; `bitbucket` NULL: the same words in both products. */
struct text_row {
	const char *jira;
	const char *bitbucket;
};

static const struct text_row rows[TEXT_COUNT] = {
	[TEXT_ACK] = {"I'm on it in {repository}! {asker} can [track my progress here]({link}).",
		      "I'm on it in {repository}! {asker} can [track my progress at {host}]({link})"},
	[TEXT_ACK_NO_REPOSITORY] = {"I'm on it! {asker} can [track my progress here]({link}).\n\nNote: This "
				    "conversation started without a repository.",
				    "I'm on it! {asker} can [track my progress at {host}]({link})"},
	[TEXT_ACK_FOLLOW_UP] = {"I'm on it! {asker} can [continue tracking my progress here]({link}).",
				"I'm on it! {asker} can [continue tracking my progress at {host}]({link})"},
	[TEXT_ORG_NOTE] = {"It runs in the organization {org}."},
	[TEXT_RESULT] = {"{mention} {product} resolved this issue:", "{mention}"},
	[TEXT_RESULT_EMPTY] = {"The job is finished. There is no closing message; [the "
			       "conversation]({link}) shows what was done."},
	[TEXT_RESULT_CUT] = {"… cut here, because it is longer than a comment may be. [The "
			     "conversation]({link}) has the rest."},
	[TEXT_RESULT_SOURCE] = {"In reply to [this comment]({comment})."},
	[TEXT_USER_UNKNOWN] = {"{mention} it looks like you haven't created an {product} account "
			       "yet. Please sign up at " ACCOUNT " and try again."},
	[TEXT_USER_NOT_LINKED] = {"{mention} you have an {product} account but haven't linked it "
				  "to this workspace yet. Please link it at " ACCOUNT
				  " under Settings > Integrations and try again.",
				  "{mention} you have an {product} account but haven't connected "
				  "it to Bitbucket yet. Please connect it at " ACCOUNT
				  " under Settings > Integrations and try again."},
	[TEXT_LOGIN_NEEDED] = {"{mention} Please re-login into " ACCOUNT " before starting a job.",
			       "{mention} please re-login into " ACCOUNT " before starting a job."},
	[TEXT_LINK_AGAIN] = {"{mention} your Jira workspace link has expired or is not yet set up. "
			     "Please re-link in " ACCOUNT " under Settings → Integrations to "
			     "continue using {product} from Jira."},
	[TEXT_INTEGRATION_OFF] = {"{mention} Jira DC integration is not active for your workspace.",
				  "{mention} the {product} integration is not active for this repository."},
	[TEXT_POLICY_DENIED] = {"{mention} {product} may not work on this: the rules of this installation leave "
				"out this project, repository or account. {detail}"},
	[TEXT_AUTHOR_MISMATCH] = {"{mention} this request was changed by somebody else than its author, so nothing "
				  "was started. Please ask again in a comment of your own."},
	[TEXT_NO_REPOSITORY] = {"{mention} Could not determine which repository to use. Please mention the "
				"repository (e.g., owner/repo) in the issue description or comment. A line of its "
				"own decides: `Repository: owner/repo`"},
	[TEXT_REPOSITORY_AMBIGUOUS] = {"{mention} Multiple repositories found: {names}. Please specify exactly one "
				       "repository in the issue description or comment."},
	[TEXT_REPOSITORY_DENIED] = {"{mention} Could not access any of the mentioned repositories: "
				    "{names}. Please ensure the repository exists and that the Git "
				    "account linked to your {product} user can access it."},
	[TEXT_LIMIT_PERSON] = {"{mention} the daily number of requests for one person or one issue "
			       "is used up. Please ask again after {time}."},
	[TEXT_START_FAILED] = {"{mention} Sorry, there was an unexpected error starting the job. Please try "
			       "again.\n\n{detail}",
			       "{mention} Uh oh! There was an unexpected error starting the job :(\n\n{detail}"},
	[TEXT_ENDED_IN_ERROR] = {"{mention} {product} encountered an error: **{detail}**\n\n[See "
				 "the conversation]({link}) for more information."},
	[TEXT_ENDED_STUCK] = {"{mention} {product} got stuck: it repeated the same steps and "
			      "stopped. [The conversation]({link}) shows where; you can go on from "
			      "there, or ask again with more detail."},
	[TEXT_CONFIRMATION] = {"{mention} {product} waits for your confirmation before it goes on. "
			       "Please answer in [the conversation]({link})."},
	[TEXT_DEADLINE] = {"{mention} the job took longer than it may, so it is no longer "
			   "followed. [The conversation]({link}) shows how far it came."},
	[TEXT_VANISHED] = {"{mention} the conversation ended without a result: its workspace is gone. What "
			   "was left is in [the conversation]({link}). Please ask again."},
	[TEXT_UPSTREAM_FAILED] = {"{mention} {product} could not be reached for too long, so "
				  "nothing was started. Please ask again. {detail}"},
	[TEXT_STOPPED] = {"{mention} the job was stopped on request. [The conversation]({link}) "
			  "shows how far it came."},
	[TEXT_QUARANTINED] = {"{mention} this request failed again and again and was set aside. "
			      "The operators of {product} can see it and release it."},
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

const char *texts_template(enum provider provider, enum text_id id)
{
	bool is_own = provider == PROVIDER_BITBUCKET && rows[id].bitbucket;
	return is_own ? rows[id].bitbucket : rows[id].jira;
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
