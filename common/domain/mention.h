#ifndef OHDC_DOMAIN_MENTION_H
#define OHDC_DOMAIN_MENTION_H

/* Is the bot addressed in a text? Code and quotes do not count; boundaries as design section 6 says. Pure. */

#include "common/base/attr.h"
#include "common/domain/limits.h"
#include "common/domain/provider.h"

#include <stdbool.h>
#include <stddef.h>

/** Who the bot is, and the word that calls it. Texts borrowed. */
struct bot {
	const char *label;                  /**< "openhands": the label, and @ + it the mention */
	const char *names[LIMIT_BOT_NAMES]; /**< name, key, slug, e-mail, numeric id: any of them is the bot; NULL entries are skipped */
};

/** Whether the text mentions the bot; in Jira also [~name] and [~accountid:key] of it. */
NODISCARD bool mention_found(enum provider provider, const char *text, const struct bot *bot);

/** Whether `name` (any case) is one of the bot's names; NULL and "" are nobody. */
NODISCARD bool bot_is(const struct bot *bot, const char *name);

/** New copy of the text with code and quotes blanked out, as the mention rule sees it. */
NODISCARD char *mention_visible_text(enum provider provider, const char *text);

#endif
