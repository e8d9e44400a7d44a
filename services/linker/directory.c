/* The ordered list of directories, and what it means that nobody knows a person. */

#include "services/linker/directory.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/peer_client.h"
#include "services/linker/keycloak.h"

#include "common/base/banned.h"

enum { DIRECTORIES_MAX = 8 };

struct directories {
	struct directory_options options;
	struct directory list[DIRECTORIES_MAX];
	size_t count;
	bool has_keycloak;
};

void lookup_answer_done(struct lookup_answer *answer)
{
	if (!answer) return;
	MEM_FREE_ALL(answer->user_id, answer->org_id);
	*answer = (struct lookup_answer){0};
}

bool directory_is_email_mode(const struct config *config, const char *base_url)
{
	return !config_bool(config, "JIRA_DC_ENABLE_OAUTH") && peer_is_own(config, PROVIDER_JIRA, base_url);
}

static bool add_named(struct directories *directories, const char *name, struct err *err)
{
	const struct directory_options *options = &directories->options;
	struct directory *place = &directories->list[directories->count];
	if (directories->count == DIRECTORIES_MAX)
		return err_set(err, ERR_INPUT, "OHDC_DIRECTORIES has more than %d words", DIRECTORIES_MAX);
	bool is_keycloak = strcmp(name, "keycloak") == 0;
	if (!is_keycloak && strcmp(name, "links") != 0)
		return err_set(err, ERR_INPUT, "OHDC_DIRECTORIES names '%.60s', expected links or keycloak", name);
	if (is_keycloak && !config_text(options->config, "KEYCLOAK_SERVER_URL")) return true;
	*place = (struct directory){options, NULL, is_keycloak ? directory_keycloak_find : directory_links_find};
	if (is_keycloak && !keycloak_new(options, &place->keycloak, err)) return false;
	directories->has_keycloak = directories->has_keycloak || is_keycloak;
	directories->count++;
	return true;
}

CLEANUP_FUNCTION(free_pointed, struct directories *, directories_free);

bool directories_new(const struct directory_options *options, struct directories **ret, struct err *err)
{
	CLEANUP(free_pointed) struct directories *directories = mem_zalloc(1, sizeof(*directories));
	CLEANUP(mem_free_text) char *words = mem_dup(config_text(options->config, "OHDC_DIRECTORIES"));
	directories->options = *options;
	for (char *rest = words, *word; (word = strsep(&rest, ", "));) {
		if (*word != '\0' && !add_named(directories, word, err)) return false;
	}
	return MOVE(ret, directories);
}

void directories_free(struct directories *directories)
{
	if (!directories) return;
	for (size_t i = 0; i < directories->count; i++)
		keycloak_free(directories->list[i].keycloak);
	mem_free(directories);
}

/* Nobody knows the person; a directory may have said more. Without Keycloak nobody can say that there is no account. */
static enum lookup nowhere(const struct directories *directories, struct lookup_answer *ret)
{
	if (ret->reason == REASON_NONE)
		ret->reason = directories->has_keycloak ? REASON_USER_UNKNOWN : REASON_USER_NOT_LINKED;
	if (ret->detail[0] == '\0') (void)snprintf(ret->detail, sizeof(ret->detail), "no directory knows this person");
	return LOOKUP_REFUSED;
}

enum lookup directories_find(struct directories *directories, const struct lookup_question *question,
			     struct lookup_answer *ret, struct err *err)
{
	for (size_t i = 0; i < directories->count; i++) {
		const struct directory *directory = &directories->list[i];
		enum lookup found = directory->find(directory, question, ret, err);
		if (found != LOOKUP_MISS) return found;
	}
	return nowhere(directories, ret);
}
