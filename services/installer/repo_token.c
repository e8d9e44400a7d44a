/* Chooses the token and names the way out where there is none. */

#include "services/installer/repo_token.h"

#include "common/connect/ohe_token.h"

#include "common/base/banned.h"

bool repo_token_read(const struct installer *installer, const char *user_id,
		     const struct secret *given, struct secret *ret, struct err *err)
{
	struct err why = {0};

	if (!config_text(installer->config, "BITBUCKET_DATA_CENTER_HOST"))
		return err_set(err, ERR_INPUT,
			       "no Bitbucket is configured here (BITBUCKET_DATA_CENTER_HOST)");
	if (given && secret_is_set(given)) {
		secret_set(ret, given->text, given->len);
		return true;
	}
	if (ohe_token_read(peer_client_plain(installer->peers), installer->config, user_id, ret, &why))
		return true;
	if (why.code == ERR_INPUT)
		return err_set(
			err, ERR_INPUT,
			"your Bitbucket sign-in cannot be used here (JWT_SECRET is not set): give "
			"a token of a repository admin at %s/integration/dc/repositories",
			installer->origin);
	if (why.code == ERR_NOT_FOUND)
		return err_set(err, ERR_AUTH,
			       "you have not signed in with Bitbucket: do so, or give a token of a "
			       "repository admin at %s/integration/dc/repositories",
			       installer->origin);
	return err_set(err, why.code, "your Bitbucket sign-in cannot be read: %s", why.message);
}

struct repo_api repo_token_api(const struct installer *installer, const struct secret *token)
{
	const char *base_url = config_text(installer->config, "BITBUCKET_DATA_CENTER_HOST");

	return (struct repo_api){peer_client_for(installer->peers, base_url), base_url, token};
}
