/* Secrets: copied in, wiped when they go. */
#include "common/base/secret.h"

#include "common/base/mem.h"

#include <string.h>

#include "common/base/banned.h"

void secret_set(struct secret *ret, const void *bytes, size_t len)
{
	/* Copied first: the bytes may be part of what is replaced. */
	char *text = mem_dup_n(bytes, len);
	secret_done(ret);
	*ret = (struct secret){.text = text, .len = len};
}

void secret_done(struct secret *secret)
{
	if (!secret) return;
	mem_wipe(secret->text, secret->text ? secret->len : 0);
	mem_free(secret->text);
	*secret = (struct secret){0};
}

bool secret_is_set(const struct secret *secret)
{
	return secret->len > 0;
}

struct bytes secret_bytes(const struct secret *secret)
{
	return bytes_of(secret->text, secret->len);
}

void secret_mask(const char *secret, char *text)
{
	size_t len = secret && text ? strlen(secret) : 0;
	for (char *at = text; len > 0 && (at = strstr(at, secret)); at += len)
		memset(at, '*', len);
}
