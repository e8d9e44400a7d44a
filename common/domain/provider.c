/* Names of the two products and of connections. */

#include "common/domain/provider.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

#include "common/base/banned.h"

static const char *const provider_names[] = {
	[PROVIDER_JIRA] = "jira",
	[PROVIDER_BITBUCKET] = "bitbucket",
};

const char *provider_name(enum provider provider)
{
	return provider_names[provider];
}

bool provider_parse(const char *name, enum provider *ret)
{
	return text_among(provider_names, ARRAY_LEN(provider_names), name, ret);
}

bool connection_ref_parse(const char *text, struct connection_ref *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	char name[16] = "";
	struct connection_ref ref;
	if (slash && (size_t)(slash - text) < sizeof(name)) memcpy(name, text, (size_t)(slash - text));
	if (!slash || !provider_parse(name, &ref.provider))
		return err_set(err, ERR_INPUT, "'%.60s' is no connection, expected jira/ID or bitbucket/ID", text);
	if (!number_parse(slash + 1, 0, INT64_MAX, &ref.id, err)) return err_wrap(err, "connection '%.60s'", text);
	*ret = ref;
	return true;
}

void connection_ref_text(const struct connection_ref *ref, char ret[CONNECTION_REF_SIZE])
{
	(void)snprintf(ret, CONNECTION_REF_SIZE, "%s/%" PRId64, provider_name(ref->provider), ref->id);
}
