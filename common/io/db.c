/* One connection: statements with a deadline, and the one translation of PostgreSQL's errors. */
#include "common/io/db.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libpq-fe.h>

#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/io/db_connection.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	ANSWER_MARGIN_MS = 5000, /* after the statement timeout a server that says nothing is given up */
	CHANNEL_MAX = 63,        /* an identifier of PostgreSQL */
};

/* A process that is stopped inside a transaction must not keep its locks: the server ends that session. */
static const char SESSION_SQL[] = "SELECT set_config('statement_timeout', $1, false),"
				  " set_config('idle_in_transaction_session_timeout', '30000', false),"
				  " set_config('TimeZone', 'UTC', false)";

CLEANUP_FUNCTION(result_done, PGresult *, PQclear);

/* --- errors ------------------------------------------------------------------------------------- */

/* Copy a server's message up to its first line end; data exceptions quote the value after a colon. */
static void copy_message(const char *message, bool hide_value, char *ret, size_t size)
{
	size_t len = strcspn(message ? message : "", "\r\n");
	for (size_t i = 0; hide_value && i < len; i++) {
		if (message[i] == ':' || message[i] == '"') len = i;
	}
	(void)snprintf(ret, size, "%.*s", (int)(len < size ? len : size - 1), message ? message : "");
}

static bool is_class(const char *state, const char *class)
{
	return strncmp(state, class, strlen(class)) == 0;
}

/* What the classes of SQLSTATE mean to us. */
static const struct {
	const char *class;
	enum err_code code;
} states[] = {
	/* The session, not the statement, has failed; 25006: the server became a standby. */
	{"08", ERR_NETWORK},
	{"57P0", ERR_NETWORK},
	{"25006", ERR_NETWORK},
	{"25P03", ERR_NETWORK},
	{"23505", ERR_CONFLICT},
	{"40001", ERR_CONFLICT},
	{"40P01", ERR_CONFLICT},
	{"55P03", ERR_CONFLICT},
	{"57014", ERR_TIMEOUT},
	{"22", ERR_INPUT},
	{"53", ERR_BUSY},
	/* The statement's plan or name is gone; a new connection has it. */
	{"0A000", ERR_CONFLICT},
	{"26000", ERR_CONFLICT},
};

static enum err_code code_of_state(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (is_class(state, states[i].class)) return states[i].code;
	}
	return ERR_INTERNAL;
}

/* The connection died. `may_commit`: the statement may have been committed before it did. */
static bool fail_lost(struct db *db, bool may_commit, const char *message, struct err *err)
{
	char text[160];
	db->must_close = true;
	copy_message(message, false, text, sizeof(text));
	return err_set(err, may_commit ? ERR_UNCERTAIN : ERR_NETWORK, "database connection lost: %s", text);
}

/* Translate a failed result, the only place that reads an SQLSTATE. */
static bool fail_result(struct db *db, const PGresult *result, bool may_commit, struct err *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	char text[160];
	if (!state || PQstatus(db->conn) == CONNECTION_BAD)
		return fail_lost(db, may_commit, PQerrorMessage(db->conn), err);
	copy_message(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), is_class(state, "22"), text, sizeof(text));
	enum err_code code = code_of_state(state);
	if (code == ERR_NETWORK) return fail_lost(db, may_commit && !is_class(state, "25006"), text, err);
	if (is_class(state, "0A000") || is_class(state, "26000")) db->must_close = true;
	return err_set(err, code, "database: %s %s", state, text);
}

/* --- one connection ----------------------------------------------------------------------------- */

void db_disconnect(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	for (size_t i = 0; i < db->statement_count; i++)
		mem_free(db->statements[i].copy);
	db->statement_count = 0;
	db->must_close = false;
}

/*
 * A cancelled wait for a synchronous standby is told as a warning beside a successful COMMIT.
 * Notices go nowhere else: libpq would print them.
 */
static void on_notice(void *context, const PGresult *result)
{
	struct db *db = context;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state && strcmp(state, "01000") == 0) db->was_warned = true;
	/* Said to an idle connection, whose end follows. */
	if (state && code_of_state(state) == ERR_NETWORK) db->must_close = true;
}

static bool wait_socket(const struct db *db, int64_t deadline_ms)
{
	struct pollfd entry = {.fd = PQsocket(db->conn), .events = POLLIN};
	for (;;) {
		int64_t left = deadline_ms - sysclock_monotonic_ms();
		int ready = poll(&entry, 1, left > 0 ? (int)(left < INT_MAX ? left : INT_MAX) : 0);
		if (ready > 0) return true;
		if (ready == 0 || errno != EINTR) return false;
	}
}

/* Wait for the answer to what was sent. False (`err` untouched): no answer in time. */
static bool await_answer(struct db *db, int64_t deadline_ms)
{
	while (PQisBusy(db->conn)) {
		if (!wait_socket(db, deadline_ms)) return false;
		if (!PQconsumeInput(db->conn)) break; /* PQgetResult() tells why */
	}
	return true;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* Read all of the answer; keep the first failure, else the last result. */
static bool collect(struct db *db, bool may_commit, PGresult **ret, struct err *err)
{
	CLEANUP(result_done) PGresult *kept = NULL;
	int64_t patience_ms = db->pool->statement_timeout_ms + ANSWER_MARGIN_MS;
	int64_t deadline_ms = sysclock_monotonic_ms() + patience_ms;
	for (;;) {
		if (!await_answer(db, deadline_ms)) return fail_lost(db, may_commit, "no answer in time", err);
		PGresult *next = PQgetResult(db->conn);
		if (!next) break;
		if (kept && !is_good(kept)) {
			PQclear(next);
			continue;
		}
		PQclear(kept);
		kept = next;
	}
	if (!is_good(kept)) return fail_result(db, kept, may_commit, err);
	return MOVE(ret, kept);
}

/* Name of the prepared statement of a constant text; "" when the text is not to be prepared. */
static bool prepare(struct db *db, const char *sql, char ret_name[24], struct err *err)
{
	size_t at = 0;
	ret_name[0] = '\0';
	while (at < db->statement_count && db->statements[at].sql != sql)
		at++;
	if (at == DB_STATEMENTS_MAX) return true;
	bool is_known = at < db->statement_count;
	if (is_known && strcmp(db->statements[at].copy, sql) != 0) return true;
	(void)snprintf(ret_name, 24, "s%zu", at);
	if (is_known) return true;
	if (!PQsendPrepare(db->conn, ret_name, sql, 0, NULL))
		return fail_lost(db, false, PQerrorMessage(db->conn), err);
	CLEANUP(result_done) PGresult *result = NULL;
	if (!collect(db, false, &result, err)) return false;
	db->statements[at] = (struct db_statement){sql, mem_dup(sql)};
	db->statement_count++;
	return true;
}

static int send_statement(struct db *db, const char *name, const char *sql, const struct db_params *params)
{
	char numbers[DB_PARAMS_MAX][24];
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
	int count = params ? params->count : 0;
	for (int i = 0; i < count; i++) {
		const struct db_value *value = &params->values[i];
		(void)snprintf(numbers[i], 24, "%lld", (long long)value->number);
		values[i] = value->kind == DB_NUMBER ? numbers[i] : value->ptr;
		assert(value->len <= INT_MAX);
		lengths[i] = (int)value->len; /* ignored for text */
		formats[i] = value->kind == DB_BYTES;
	}
	if (name[0] != '\0') return PQsendQueryPrepared(db->conn, name, count, values, lengths, formats, 0);
	return PQsendQueryParams(db->conn, sql, count, NULL, values, lengths, formats, 0);
}

/* Run one statement. `may_commit`: its success makes something durable. */
static bool execute(struct db *db, const char *sql, const struct db_params *params, bool may_commit, PGresult **ret,
		    struct err *err)
{
	char name[24];
	db->was_warned = false;
	if (!prepare(db, sql, name, err)) return false;
	if (!send_statement(db, name, sql, params)) return fail_lost(db, false, PQerrorMessage(db->conn), err);
	CLEANUP(result_done) PGresult *result = NULL;
	if (!collect(db, may_commit, &result, err)) return false;
	if (may_commit && db->was_warned)
		return err_set(err, ERR_UNCERTAIN, "database: committed, perhaps on one server only");
	return MOVE(ret, result);
}

static bool is_select(const char *sql)
{
	return strncasecmp(sql + strspn(sql, " \t\n"), "select", 6) == 0;
}

static int count_of(const PGresult *result)
{
	int64_t changed = 0;
	if (PQresultStatus(result) == PGRES_TUPLES_OK) return PQntuples(result);
	const char *text = PQcmdTuples((PGresult *)(uintptr_t)result);
	return number_parse(text, 0, INT_MAX, &changed, NULL) ? (int)changed : 0;
}

bool db_run(struct db *db, const char *sql, const struct db_params *params, struct db_rows *ret, struct err *err)
{
	CLEANUP(result_done) PGresult *result = NULL;
	bool may_commit = PQtransactionStatus(db->conn) == PQTRANS_IDLE && !is_select(sql);
	if (!execute(db, sql, params, may_commit, &result, err)) return false;
	if (ret) {
		*ret = (struct db_rows){.result = result, .count = count_of(result)};
		result = NULL;
	}
	return true;
}

bool db_script(struct db *db, const char *sql, struct err *err)
{
	/* Without a deadline of ours: a migration takes as long as it takes. */
	CLEANUP(result_done) PGresult *result = PQexec(db->conn, sql);
	if (!is_good(result)) return fail_result(db, result, PQtransactionStatus(db->conn) != PQTRANS_INTRANS, err);
	return true;
}

bool db_begin(struct db *db, struct err *err)
{
	return db_run(db, "BEGIN", NULL, NULL, err);
}

bool db_commit(struct db *db, struct err *err)
{
	CLEANUP(result_done) PGresult *result = NULL;
	if (!execute(db, "COMMIT", NULL, true, &result, err)) return false;
	/* COMMIT of a failed transaction succeeds, and says that it rolled back. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
		return err_set(err, ERR_CONFLICT, "database: the transaction had failed");
	return true;
}

/* --- connecting ---------------------------------------------------------------------------------- */

/* A later name wins: what stands before dbname may be changed by the URL, what stands behind not. */
static const char *const parameter_names[] = {
	"connect_timeout",
	"keepalives_idle",
	"keepalives_interval",
	"keepalives_count",
	"tcp_user_timeout",
	"gssencmode",
	"application_name",
	"dbname",
	"target_session_attrs",
	"client_encoding",
	NULL,
};

static PGconn *open_as(const struct db_pool *pool, const struct secret *login)
{
	const char *const values[] = {
		"5", "10", "3", "3", "10000", "disable", pool->program, login->text, "read-write", "UTF8", NULL,
	};
	return PQconnectdbParams(parameter_names, values, 1);
}

/* With the login as it is now; while that does not work with the one that worked last. */
static PGconn *open_connection(struct db_pool *pool, char *ret_fault, size_t size)
{
	CLEANUP(secret_done) struct secret now = {0}, good = {0};
	bool is_same = db_login_now(pool, &now, &good);
	PGconn *conn = open_as(pool, &now);
	bool is_open = PQstatus(conn) == CONNECTION_OK;
	copy_message(PQerrorMessage(conn), false, ret_fault, size);
	if (!is_open && !is_same) {
		PQfinish(conn);
		conn = open_as(pool, &good);
	}
	if (!is_same && PQstatus(conn) == CONNECTION_OK) db_login_note(pool, &now, is_open ? NULL : ret_fault);
	return conn;
}

bool db_connect(struct db *db, struct err *err)
{
	char text[160];
	db->conn = open_connection(db->pool, text, sizeof(text));
	bool is_open = PQstatus(db->conn) == CONNECTION_OK;
	if (!is_open) (void)err_set(err, ERR_NETWORK, "database: %s", text);
	(void)PQsetNoticeReceiver(db->conn, on_notice, db);
	if (!is_open || !db_run(db, SESSION_SQL, DB_PARAMS(db->pool->statement_timeout_ms), NULL, err)) {
		db_disconnect(db);
		return false;
	}
	(void)atomic_fetch_add(&db->pool->generation, 1);
	return true;
}

/* Notice, without asking it, that the server has gone since the last use. */
bool db_is_alive(const struct db *db)
{
	if (!db->conn) return false;
	while (wait_socket(db, 0)) {
		if (!PQconsumeInput(db->conn)) return false;
	}
	/* Looks at what has come: on_notice() hears a farewell. */
	return !PQisBusy(db->conn) && !db->must_close && PQstatus(db->conn) == CONNECTION_OK;
}

void db_reset(struct db *db)
{
	CLEANUP(result_done) PGresult *result = NULL;
	PGTransactionStatusType state = PQtransactionStatus(db->conn);
	bool is_open = state == PQTRANS_INTRANS || state == PQTRANS_INERROR;
	if (!db->must_close && is_open && !execute(db, "ROLLBACK", NULL, false, &result, NULL)) db->must_close = true;
	if (db->must_close || PQtransactionStatus(db->conn) != PQTRANS_IDLE) db_disconnect(db);
}

/* --- notifications ------------------------------------------------------------------------------ */

bool db_listen(struct db *db, const char *channel, struct err *err)
{
	char sql[CHANNEL_MAX + sizeof("LISTEN \"\"")];
	if (strlen(channel) > CHANNEL_MAX || strchr(channel, '"'))
		return err_set(err, ERR_INPUT, "channel name cannot be used");
	(void)snprintf(sql, sizeof(sql), "LISTEN \"%s\"", channel);
	db->must_close = true; /* the next borrower must not hear it */
	return db_script(db, sql, err);
}

/* What has arrived already: the payload (new) of the oldest notification, NULL when there is none. */
static char *take_notification(struct db *db)
{
	PGnotify *notify = PQnotifies(db->conn);
	if (!notify) return NULL;
	char *payload = mem_dup(notify->extra);
	PQfreemem(notify);
	return payload;
}

bool db_wait_notification(struct db *db, int64_t wait_ms, char **ret_payload, struct err *err)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + wait_ms;
	char *payload = take_notification(db);
	while (!payload && wait_socket(db, deadline_ms)) {
		if (!PQconsumeInput(db->conn)) return fail_lost(db, false, PQerrorMessage(db->conn), err);
		payload = take_notification(db);
	}
	*ret_payload = payload;
	return true;
}
