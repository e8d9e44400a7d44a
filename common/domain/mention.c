/* The mention rule: who is addressed in what remains of a text without code and quotes. */

#include "common/domain/mention.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "common/base/banned.h"

enum { TOKEN_MAX = 280 }; /* an id of 256 characters, "accountid:" and some spaces */

bool bot_is(const struct bot *bot, const char *name)
{
	return !text_is_empty(name) && text_among_nocase(bot->names, LIMIT_BOT_NAMES, bytes_text(name));
}

static bool is_word_at(const char *text)
{
	size_t len;
	return text_is_word(text_code_point(text, &len));
}

/* Whether what follows a name belongs to it: "@openhands-dev", "@openhands.dev", "@openhands/pkg". */
static bool goes_on(const char *after)
{
	if (*after == '-' || is_word_at(after)) return true;
	return (*after == '.' || *after == '/') && is_word_at(after + 1);
}

static bool has_at_mention(const char *visible, const char *label)
{
	size_t label_len = strlen(label);
	if (label_len == 0) return false;
	for (const char *at = strchr(visible, '@'); at; at = strchr(at + 1, '@')) {
		if (strncasecmp(at + 1, label, label_len) != 0 || goes_on(at + 1 + label_len)) continue;
		if (!text_word_before(visible, at) && (at == visible || at[-1] != '@')) return true;
	}
	return false;
}

/* Whether the text after "[~" up to "]" is the bot: "name", "accountid:key", spaces at both ends allowed. */
static bool is_bot_token(const char *token, const struct bot *bot)
{
	static const char prefix[] = "accountid:";
	char text[TOKEN_MAX + 1] = "";
	memcpy(text, token, strnlen(token, TOKEN_MAX));
	char *id = text + strspn(text, " ");
	if (strncasecmp(id, prefix, sizeof(prefix) - 1) == 0) id += sizeof(prefix) - 1;
	size_t len = strcspn(id, " ]\r\n");
	if (id[len + strspn(id + len, " ")] != ']') return false;
	id[len] = '\0';
	return bot_is(bot, id);
}

static bool has_jira_token(const char *visible, const struct bot *bot)
{
	for (const char *at = strstr(visible, "[~"); at; at = strstr(at + 2, "[~")) {
		if (is_bot_token(at + 2, bot)) return true;
	}
	return false;
}

bool mention_found(enum provider provider, const char *text, const struct bot *bot)
{
	if (text_is_empty(text)) return false;
	CLEANUP(mem_free_text) char *visible = mention_visible_text(provider, text);
	return has_at_mention(visible, bot->label) || (provider == PROVIDER_JIRA && has_jira_token(visible, bot));
}
