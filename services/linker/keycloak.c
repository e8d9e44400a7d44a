/* Token and search. The token is shared by all workers; who finds it run out fetches the next. */

#include "services/linker/keycloak.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"
#include "common/io/lock.h"

#include "common/base/banned.h"

enum {
	ANSWER_BYTES = 1024 * 1024, /* a handful of users, or a token */
	FORM_BYTES = 8192,
	TOKEN_BYTES = 16384,
};

struct keycloak {
	struct directory_options options;
	pthread_mutex_t lock;
	struct secret token;
	uint64_t token_number; /* of the token, to tell the worn one from its successor */
	bool may_view;         /* this token has been seen to view users */
};

bool keycloak_new(const struct directory_options *options, struct keycloak **ret, struct err *err)
{
	CLEANUP(secret_done) struct secret client = {0};
	CLEANUP(secret_done) struct secret admin = {0};
	if (!config_text(options->config, "OHDC_KEYCLOAK_CLIENT_ID")
		    ? !config_secret(options->config, "KEYCLOAK_ADMIN_PASSWORD", &admin)
		    : !config_secret(options->config, "OHDC_KEYCLOAK_CLIENT_SECRET", &client))
		return err_set(err, ERR_INPUT,
			       "KEYCLOAK_SERVER_URL is set, expected OHDC_KEYCLOAK_CLIENT_ID and "
			       "OHDC_KEYCLOAK_CLIENT_SECRET (or KEYCLOAK_ADMIN_PASSWORD) with it");
	struct keycloak *keycloak = mem_zalloc(1, sizeof(*keycloak));
	keycloak->options = *options;
	pthread_mutex_init(&keycloak->lock, NULL);
	*ret = keycloak;
	return true;
}

void keycloak_free(struct keycloak *keycloak)
{
	if (!keycloak) return;
	secret_done(&keycloak->token);
	pthread_mutex_destroy(&keycloak->lock);
	mem_free(keycloak);
}

/* Make a call below {server}{root}/realms/{realm}/; a status that is not 2xx is an error. */
static bool send(const struct keycloak *keycloak, const char *root, const char *realm, const char *path,
		 const struct http_call *call, struct http_result *ret, struct err *err)
{
	char url[LIMIT_URL_BYTES];
	struct http_call http = *call;
	(void)snprintf(url, sizeof(url), "%s%s/realms/%s/%s",
		       config_text(keycloak->options.config, "KEYCLOAK_SERVER_URL"), root, realm, path);
	http.url = url;
	http.deadline_ms = keycloak->options.call_deadline_ms;
	http.ceiling_bytes = ANSWER_BYTES;
	return http_client_send(keycloak->options.client, &http, ret, err) && http_result_ok(&http, ret, err);
}

static const char *realm_of(const struct keycloak *keycloak)
{
	return config_text(keycloak->options.config, "KEYCLOAK_REALM_NAME");
}

/* --- the token ------------------------------------------------------------------------------------ */

static void add_field(struct strbuf *form, const char *name, struct bytes value)
{
	strbuf_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	encode_percent(form, value);
}

/* The form of the own client, else of the administrator; true for the latter, who lives in realm master. */
static bool write_form(const struct keycloak *keycloak, struct strbuf *form)
{
	const char *client = config_text(keycloak->options.config, "OHDC_KEYCLOAK_CLIENT_ID");
	CLEANUP(secret_done) struct secret secret = {0};
	bool is_admin = !client;
	(void)!config_secret(keycloak->options.config,
			     is_admin ? "KEYCLOAK_ADMIN_PASSWORD" : "OHDC_KEYCLOAK_CLIENT_SECRET", &secret);
	add_field(form, "grant_type", bytes_text(is_admin ? "password" : "client_credentials"));
	add_field(form, "client_id", bytes_text(is_admin ? "admin-cli" : client));
	if (is_admin) add_field(form, "username", bytes_text("admin"));
	add_field(form, is_admin ? "password" : "client_secret", secret_bytes(&secret));
	return is_admin;
}

static bool read_token(const struct http_result *result, struct secret *ret, struct err *err)
{
	json_auto_t *json = NULL;
	const char *text;
	if (!json_read(bytes_of(result->body, result->body_len), ANSWER_BYTES, LIMIT_JSON_DEPTH, &json, err) ||
	    !json_need_text(json, "access_token", TOKEN_BYTES, &text, err))
		return err_set(err, ERR_INTERNAL, "the token endpoint gave no token");
	secret_set(ret, text, strlen(text));
	return true;
}

static bool fetch_token(const struct keycloak *keycloak, struct secret *ret, struct err *err)
{
	CLEANUP(strbuf_wipe) struct strbuf form = strbuf_of(FORM_BYTES);
	CLEANUP(http_result_done) struct http_result result = {0};
	bool is_admin = write_form(keycloak, &form);
	const struct http_call call = {.method = "POST",
				       .content_type = "application/x-www-form-urlencoded",
				       .body = bytes_text(strbuf_text(&form))};
	return send(keycloak, "", is_admin ? "master" : realm_of(keycloak), "protocol/openid-connect/token", &call,
		    &result, err) &&
	       read_token(&result, ret, err);
}

/* Copy of the token that is there; false when there is none, or when `worn` names it. */
static bool copy_token(struct keycloak *keycloak, uint64_t worn, struct secret *ret, uint64_t *ret_number)
{
	LOCK_HOLD(&keycloak->lock);
	if (!secret_is_set(&keycloak->token) || keycloak->token_number == worn) return false;
	secret_set(ret, keycloak->token.text, keycloak->token.len);
	*ret_number = keycloak->token_number;
	return true;
}

/*
 * Fetched without the lock: where Keycloak hangs, workers that queued for one call each would outlive their leases, and asks whose
 * leases end count as crashed. Two may fetch at once; the later token stays.
 */
static bool take_token(struct keycloak *keycloak, uint64_t worn, struct secret *ret, uint64_t *ret_number, struct err *err)
{
	CLEANUP(secret_done) struct secret fresh = {0};
	if (copy_token(keycloak, worn, ret, ret_number)) return true;
	if (!fetch_token(keycloak, &fresh, err)) return err_wrap(err, "keycloak token");
	secret_set(ret, fresh.text, fresh.len);
	LOCK_HOLD(&keycloak->lock);
	secret_set(&keycloak->token, fresh.text, fresh.len);
	*ret_number = ++keycloak->token_number;
	keycloak->may_view = false;
	return true;
}

/* --- searches ------------------------------------------------------------------------------------- */

static bool get_once(const struct keycloak *keycloak, const char *path, const struct secret *token, json_t **ret,
		     struct err *err)
{
	CLEANUP(strbuf_wipe) struct strbuf header = strbuf_of(TOKEN_BYTES + 64);
	CLEANUP(http_result_done) struct http_result result = {0};
	strbuf_addf(&header, "Authorization: Bearer %s", token->text);
	const struct http_call call = {.method = "GET", .headers = {strbuf_text(&header)}};
	if (!send(keycloak, "/admin", realm_of(keycloak), path, &call, &result, err)) return false;
	*ret = json_loadb(result.body, result.body_len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	return *ret || err_set(err, ERR_INTERNAL, "keycloak: the answer is no JSON");
}

static bool get(struct keycloak *keycloak, const char *path, json_t **ret, uint64_t *ret_number, struct err *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	if (!take_token(keycloak, 0, &token, ret_number, err)) return false;
	if (get_once(keycloak, path, &token, ret, err)) return true;
	if (err->http_status != 401) return err_wrap(err, "keycloak");
	*err = (struct err){0};
	return take_token(keycloak, *ret_number, &token, ret_number, err) &&
	       (get_once(keycloak, path, &token, ret, err) || err_wrap(err, "keycloak"));
}

static bool is_view_known(struct keycloak *keycloak, uint64_t number)
{
	LOCK_HOLD(&keycloak->lock);
	return keycloak->may_view && keycloak->token_number == number;
}

/*
 * An account that may query but not view users gets 200 and an empty list for everything; it also counts none. No realm is
 * without any user, so a count of none says that this account sees none.
 */
static bool check_view(struct keycloak *keycloak, uint64_t number, struct err *err)
{
	json_auto_t *count = NULL;
	uint64_t counted_by = 0;
	if (is_view_known(keycloak, number)) return true;
	if (!get(keycloak, "users/count", &count, &counted_by, err)) return false;
	if (json_integer_value(count) <= 0)
		return err_set(err, ERR_AUTH, "keycloak: the account sees no user at all, it needs view-users");
	LOCK_HOLD(&keycloak->lock);
	keycloak->may_view = keycloak->token_number == counted_by;
	return true;
}

bool keycloak_search(struct keycloak *keycloak, const char *query, json_t **ret, struct err *err)
{
	json_auto_t *users = NULL;
	char path[LIMIT_URL_BYTES / 2];
	uint64_t number = 0;
	(void)snprintf(path, sizeof(path), "users?%s", query);
	if (!get(keycloak, path, &users, &number, err)) return false;
	if (!json_is_array(users)) return err_set(err, ERR_INTERNAL, "keycloak: the answer is no list of users");
	if (json_array_size(users) == 0 && !check_view(keycloak, number, err)) return false;
	*ret = json_incref(users);
	return true;
}
