/* Names of reasons, and what each means for people. */

#include "common/domain/reason.h"

#include <stddef.h>
#include <string.h>

#include "common/base/banned.h"

static const struct {
	const char *name;
	const char *help;
} reasons[] = {
	[REASON_NONE] = {"", "Nothing is decided yet."},
	[REASON_TRIGGERED] = {"TRIGGERED", "The delivery asks for a job."},
	[REASON_NO_TRIGGER] = {"NO_TRIGGER", "The delivery holds no mention and no new label; nothing is to be done."},
	[REASON_BOT_AUTHOR] = {"BOT_AUTHOR", "The bot wrote this itself; its own words never start a job."},
	[REASON_INTEGRATION_OFF] = {"INTEGRATION_OFF",
				    "The connection is paused or pending; activate it and redeliver."},
	[REASON_STALE] = {"STALE", "The change was too old when it arrived; ask again in a new comment."},
	[REASON_MALFORMED] = {"MALFORMED", "The body is signed but cannot be used; the detail says which part."},
	[REASON_TOO_LARGE] = {"TOO_LARGE", "The body is over the size limit; recovery looks at the "
					   "connection, or ask in a shorter comment."},
	[REASON_DUPLICATE] = {"DUPLICATE", "Another delivery of the same ask came first; that one is carried out."},
	[REASON_JOB_STARTED] = {"JOB_STARTED", "A conversation was started."},
	[REASON_FOLLOW_UP] = {"FOLLOW_UP", "The ask was sent to the conversation that was there."},
	[REASON_USER_NOT_LINKED] = {"USER_NOT_LINKED", "The asker has an account that is not linked to "
						       "this server; link it and it starts by itself."},
	[REASON_USER_UNKNOWN] = {"USER_UNKNOWN", "No account belongs to the asker; sign up, then ask again."},
	[REASON_LOGIN_NEEDED] = {"LOGIN_NEEDED",
				 "The asker's session is gone or the account is off; sign in, then ask again."},
	[REASON_AUTHOR_MISMATCH] = {"AUTHOR_MISMATCH",
				    "Somebody else changed the comment; its author has to ask again."},
	[REASON_WITHDRAWN] = {"WITHDRAWN", "The comment, mention or label was taken back before the start."},
	[REASON_POLICY_DENIED] = {"POLICY_DENIED", "A rule of this installation forbids it; ask its operator."},
	[REASON_NO_REPOSITORY] = {"NO_REPOSITORY", "No repository is named; add a line "
						   "'Repository: owner/name' and ask again."},
	[REASON_REPOSITORY_AMBIGUOUS] = {"REPOSITORY_AMBIGUOUS",
					 "Several repositories are named; name exactly one and ask again."},
	[REASON_REPOSITORY_DENIED] = {"REPOSITORY_DENIED", "The asker cannot reach the named repository; "
							   "check the name and the linked Git account."},
	[REASON_LIMITED] = {"LIMITED", "A limit is reached; it goes on when there is room again."},
	[REASON_UPSTREAM_FAILED] = {"UPSTREAM_FAILED",
				    "A neighbouring system kept failing; ask again when it is well."},
	[REASON_CANNOT_ANSWER] = {"CANNOT_ANSWER", "No account may write the answer; give the connection a bot token."},
	[REASON_QUARANTINED] = {"QUARANTINED",
				"The work ended the process several times and is set aside; tell the operator."},
	[REASON_STOPPED] = {"STOPPED", "Somebody stopped the job."},
	[REASON_BAD_SIGNATURE] = {"BAD_SIGNATURE", "The signature does not match; compare the webhook's secret."},
	[REASON_UNKNOWN_CONNECTION] = {"UNKNOWN_CONNECTION",
				       "The URL names a connection that does not exist; correct the webhook."},
	[REASON_WRONG_ORIGIN] = {"WRONG_ORIGIN", "The body speaks of another server or repository than the "
						 "connection's; correct the webhook."},
	[REASON_OVERSIZE] = {"OVERSIZE", "The request is over the limit and not provably authentic."},
};

const char *reason_name(enum reason reason)
{
	return reasons[reason].name;
}

bool reason_parse(const char *name, enum reason *ret)
{
	*ret = REASON_NONE;
	for (size_t i = 1; i < ARRAY_LEN(reasons) && *ret == REASON_NONE; i++) {
		if (strcmp(name, reasons[i].name) == 0) *ret = (enum reason)i;
	}
	return *ret != REASON_NONE;
}

const char *reason_help(enum reason reason)
{
	return reasons[reason].help;
}
