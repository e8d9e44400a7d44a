/* Where a pool connects and as whom: read anew for each connection; what worked last stays until something newer works. */
#include "common/io/db.h"

#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/io/db_connection.h"
#include "common/io/lock.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { NAME_SIZE = 64 };

bool db_url_part(const char *url, const char *keyword, char **ret)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &message);
	PQfreemem(message); /* it may quote a part with a password */
	for (PQconninfoOption *option = options; option && option->keyword; option++) {
		if (strcmp(option->keyword, keyword) == 0) *ret = mem_dup(option->val);
	}
	PQconninfoFree(options);
	return options != NULL;
}

/* The settings as they are now, as one URL. */
static bool read_login(const struct db_pool *pool, struct secret *ret, struct err *err)
{
	char url[NAME_SIZE], name[NAME_SIZE];
	char *second = NULL;
	CLEANUP(secret_done) struct secret password = {0};
	CLEANUP(strbuf_wipe) struct strbuf whole = strbuf_of(LIMIT_SETTING_BYTES);
	(void)snprintf(url, sizeof(url), "%s_URL", pool->settings);
	(void)snprintf(name, sizeof(name), "%s_PASSWORD", pool->settings);
	if (!config_secret(pool->config, url, ret) || !db_url_part(ret->text, "password", &second))
		return err_set(err, ERR_INPUT, "%s: not set, or not readable, expected a libpq URI", url);
	bool is_whole = second;
	mem_wipe_free(second);
	if (!config_secret(pool->config, name, &password)) return true;
	if (is_whole)
		return err_set(err, ERR_INPUT, "%s: found a password in it, and %s set as well, expected one of both",
			       url, name);
	strbuf_addf(&whole, "%s%cpassword=", ret->text, strchr(ret->text, '?') ? '&' : '?');
	encode_percent(&whole, secret_bytes(&password));
	secret_set(ret, whole.text, whole.len);
	return true;
}

bool db_login_init(struct db_pool *pool, const struct db_options *options, struct err *err)
{
	char *part = NULL;
	pool->config = options->config;
	pool->settings = options->settings ? options->settings : "OHDC_DATABASE";
	if (pool->config) return read_login(pool, &pool->login, err);
	secret_set(&pool->login, options->url, strlen(options->url));
	return db_url_part(options->url, "", &part) || err_set(err, ERR_INPUT, "the database URL cannot be read");
}

void db_login_note(struct db_pool *pool, const struct secret *login, const char *fault)
{
	LOCK_HOLD(&pool->mutex);
	if (!fault)
		secret_set(&pool->login, login->text, login->len);
	else if (!pool->is_refused)
		LOG_WARN("a changed database login does not work, the old one stays in use",
			 LOG_TEXT("settings", pool->settings), LOG_TEXT("found", fault));
	pool->is_refused = fault;
}

bool db_login_now(struct db_pool *pool, struct secret *ret, struct secret *ret_good)
{
	struct err err = {0};
	/* libpq's own message about a URL might quote a password. */
	bool is_read = pool->config && read_login(pool, ret, &err);
	if (err.code != ERR_NONE) db_login_note(pool, ret, err.message);
	LOCK_HOLD(&pool->mutex);
	secret_set(ret_good, pool->login.text, pool->login.len);
	if (!is_read) secret_set(ret, pool->login.text, pool->login.len);
	bool is_same = bytes_equal(secret_bytes(ret), secret_bytes(ret_good));
	pool->is_refused = pool->is_refused && !(is_read && is_same);
	return is_same;
}

char *db_hide_password(struct db *db, const char *role, const char *password)
{
	char *made = PQencryptPasswordConn(db->conn, password, role, NULL);
	char *copy = mem_dup(made);
	PQfreemem(made);
	return copy;
}
