/* Where a pool connects and as whom: read anew for each connection; what worked last stays until something newer works. */
#include "common/io/db.h"

#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "common/base/mem.h"
#include "common/io/db_connection.h"
#include "common/io/lock.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { NAME_SIZE = 64 };

void db_login_done(struct db_login *login)
{
	secret_done(&login->url);
	secret_done(&login->password);
}

static void copy_login(struct db_login *ret, const struct db_login *login)
{
	secret_set(&ret->url, login->url.text, login->url.len);
	secret_set(&ret->password, login->password.text, login->password.len);
}

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

/* The settings as they are now, with no settings what the pool was made with. */
static bool read_login(const struct db_pool *pool, struct db_login *ret, struct err *err)
{
	char url[NAME_SIZE], password[NAME_SIZE];
	char *second = NULL;
	(void)snprintf(url, sizeof(url), "%s_URL", pool->settings);
	(void)snprintf(password, sizeof(password), "%s_PASSWORD", pool->settings);
	if (pool->config && config_secret(pool->config, url, &ret->url))
		(void)config_secret(pool->config, password, &ret->password);
	if (!ret->url.text || !db_url_part(ret->url.text, "password", &second))
		return err_set(err, ERR_INPUT, "%s: not set, or not readable, expected a libpq URI", url);
	bool is_double = second && secret_is_set(&ret->password);
	mem_wipe_free(second);
	return !is_double ||
	       err_set(err, ERR_INPUT, "%s: found a password in it, and %s set as well, expected one of both", url,
		       password);
}

bool db_login_init(struct db_pool *pool, const struct db_options *options, struct err *err)
{
	pool->config = options->config;
	pool->settings = options->settings ? options->settings : "OHDC_DATABASE";
	if (options->url) secret_set(&pool->good.url, options->url, strlen(options->url));
	return read_login(pool, &pool->good, err);
}

static void complain_once(struct db_pool *pool, const char *fault)
{
	if (!pool->is_refused)
		LOG_WARN("a changed database login does not work, the old one stays in use",
			 LOG_TEXT("settings", pool->settings), LOG_TEXT("found", fault));
	pool->is_refused = true;
}

bool db_login_now(struct db_pool *pool, struct db_login *ret, struct db_login *ret_good)
{
	struct err err = {0};
	LOCK_HOLD(&pool->mutex);
	copy_login(ret_good, &pool->good);
	/* libpq's own message about a URL might quote a password. */
	if (pool->config && !read_login(pool, ret, &err)) complain_once(pool, err.message);
	if (!pool->config || err.code != ERR_NONE) copy_login(ret, &pool->good);
	return bytes_equal(secret_bytes(&ret->url), secret_bytes(&ret_good->url)) &&
	       bytes_equal(secret_bytes(&ret->password), secret_bytes(&ret_good->password));
}

void db_login_note(struct db_pool *pool, const struct db_login *login, const char *fault)
{
	LOCK_HOLD(&pool->mutex);
	if (fault)
		complain_once(pool, fault);
	else
		copy_login(&pool->good, login);
	pool->is_refused = fault;
}

char *db_hide_password(struct db *db, const char *role, const char *password)
{
	char *made = PQencryptPasswordConn(db->conn, password, role, NULL);
	char *copy = mem_dup(made);
	PQfreemem(made);
	return copy;
}
