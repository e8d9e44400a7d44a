/* Brings database, roles, schema and rights to what the programs need, or prints all of it as SQL. */

#include "common/io/migrate.h"
#include "cli/cli.h"
#include "common/base/mem.h"

#include <stdio.h>

#include "common/base/banned.h"

enum { BORROW_WAIT_MS = 15000, CREATE_TIMEOUT_MS = 300000, PATH_SIZE = 4096 };

/* One at a time; the lock goes with the connection. */
static const char sql_lock[] = "select pg_advisory_lock(7305804)";

static const char sql_missing[] = "select min(program), role from (select '' as program, $1 as role"
				  " union all select split_part(x, '=', 1), substr(x, strpos(x, '=') + 1)"
				  " from unnest(string_to_array($2, ',')) x) r"
				  " where not exists (select from pg_roles where rolname = role)"
				  " group by role order by min(program)";

/* These make a statement, and what to call it. */
static const char sql_role[] = "select format('create role %I login password %L', $1::text, $2::text), 'role ' || $1";

/* Who is no superuser must belong to a role to give it a database. */
static const char sql_member[] = "select format('grant %I to current_user', $1::text), '' from pg_roles"
				 " where rolname = current_user and not rolsuper and rolname <> $1";

static const char sql_database[] =
	"select format('create database %I owner %I template template0 encoding ''UTF8''', $2::text, $1::text),"
	" 'database ' || $2 where not exists (select from pg_database where datname = $2)";

static const char sql_newer[] = "select string_agg(name || '  newer than this program, left as it is', E'\\n')"
				" from schema_migration where name > $1";

#define SQL_HEAD                                                                                                    \
	"-- The database as SQL for psql: psql -d DATABASE -f FILE, as a superuser or as the owner. What is there " \
	"stays.\n"                                                                                                  \
	"-- Once before it, with passwords of your own:\n"                                                          \
	"--   create role \"%s\" login password '...';\n"                                                           \
	"--   the same for each program's own role: %s\n"                                                           \
	"--   create database \"%s\" owner \"%s\" template template0 encoding 'UTF8';\n"                            \
	"--   with PostgreSQL 14, in it: revoke create on schema public from public;\n"                             \
	"\\set ON_ERROR_STOP on\nselect set_config('role', $ohdc$%s$ohdc$, false);\n"

struct options {
	bool is_plan;
	bool is_create;
};

CLEANUP_FUNCTION(free_pool, struct db_pool *, db_pool_free);

/* ---- --create ------------------------------------------------------------------------------------------------------ */

static bool run_made(struct db *db, const char *sql, const struct db_params *params, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_run(db, sql, params, &rows, err)) return false;
	if (rows.count == 0) return true;
	const char *what = db_text(&rows, 0, 1);
	if (!db_script(db, db_text(&rows, 0, 0), err)) return err_wrap(err, "%s", what);
	if (what[0] != '\0') printf("%s  made\n", what);
	return true;
}

/* The owner's password is the one that is connected with, a program's stands in a file that has its name. */
static bool read_password(struct cli *cli, const char *program, struct secret *ret, struct err *err)
{
	char path[PATH_SIZE];
	if (program[0] == '\0')
		return config_secret(cli->config, "OHDC_DATABASE_PASSWORD", ret) ||
		       err_set(err, ERR_INPUT,
			       "OHDC_DATABASE_PASSWORD is not set, expected one for the owner, who is to be made");
	const char *name = "OHDC_DATABASE_ROLE_PASSWORDS_DIR";
	(void)snprintf(path, sizeof(path), "%s/%s", config_text(cli->config, name), program);
	return config_read_file(name, path, ret, err);
}

static bool make_roles(struct cli *cli, struct db *db, const char *owner, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const char *roles = config_text(cli->config, "OHDC_DATABASE_ROLES");
	if (!db_run(db, sql_missing, DB_PARAMS(owner, roles), &rows, err)) return false;
	for (int i = 0; i < rows.count; i++) {
		CLEANUP(secret_done) struct secret password = {0};
		const char *role = db_text(&rows, i, 1);
		if (!read_password(cli, db_text(&rows, i, 0), &password, err)) return false;
		CLEANUP(mem_free_text) char *hidden = db_hide_password(db, role, password.text);
		if (!hidden) return err_set(err, ERR_NETWORK, "no way to keep the password of role '%s'", role);
		if (!run_made(db, sql_role, DB_PARAMS(role, hidden), err)) return false;
	}
	return true;
}

static bool read_place(struct cli *cli, char **ret_owner, char **ret_name)
{
	CLEANUP(secret_done) struct secret url = {0};
	return config_secret(cli->config, "OHDC_DATABASE_URL", &url) && db_url_part(url.text, "user", ret_owner) &&
	       db_url_part(url.text, "dbname", ret_name) && *ret_owner && *ret_name;
}

static bool create(struct cli *cli, struct err *err)
{
	CLEANUP(mem_free_text) char *owner = NULL;
	CLEANUP(mem_free_text) char *name = NULL;
	CLEANUP(free_pool) struct db_pool *admin = NULL;
	CLEANUP(db_return) struct db *db = NULL;
	struct db_options options = {NULL, cli->config, "OHDC_DATABASE_ADMIN", "ohdc", 1, CREATE_TIMEOUT_MS};
	if (!read_place(cli, &owner, &name))
		return err_set(err, ERR_INPUT, "OHDC_DATABASE_URL: expected a libpq URI with a user and a database");
	return db_pool_new(&options, &admin, err) && db_borrow(admin, BORROW_WAIT_MS, &db, err) &&
	       db_run(db, sql_lock, NULL, NULL, err) && make_roles(cli, db, owner, err) &&
	       run_made(db, sql_member, DB_PARAMS(owner), err) &&
	       run_made(db, sql_database, DB_PARAMS(owner, name), err);
}

/* ---- schema and rights --------------------------------------------------------------------------------------------- */

/* What a newer program has added stands behind the last one of ours. */
static bool print_states(struct cli *cli, bool is_plan, const struct migration_state *states, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows newer = {0};
	const struct migration_state *last = &states[migration_file_count - 1];
	for (const struct migration_state *state = states; state <= last; state++)
		printf("%s  %s\n", state->name, state->was_applied ? "was there" : is_plan ? "missing" : "applied");
	if (is_plan && !last->was_applied) return true;
	if (!cli_query(cli, sql_newer, DB_PARAMS(last->name), &newer, err)) return false;
	if (!db_is_null(&newer, 0, 0)) puts(db_text(&newer, 0, 0));
	return true;
}

static bool attempt(struct cli *cli, void *context, struct err *err)
{
	const struct options *options = context;
	const char *roles = config_text(cli->config, "OHDC_DATABASE_ROLES");
	if ((options->is_create && !create(cli, err)) || !cli_database(cli, err)) return false;
	struct migration_state *states = mem_zalloc(migration_file_count, sizeof(*states));
	bool is_done = migrate_run(&migration_own, cli->pool, !options->is_plan, states, err) &&
		       print_states(cli, options->is_plan, states, err) &&
		       (options->is_plan || !roles || migrate_grant(cli->pool, roles, err));
	mem_free(states);
	if (is_done)
		printf("rights  %s\n",
		       roles ? roles : "one role for all programs may do everything (OHDC_DATABASE_ROLES)");
	return is_done;
}

static bool print_sql(struct cli *cli)
{
	CLEANUP(mem_free_text) char *owner = NULL;
	CLEANUP(mem_free_text) char *name = NULL;
	const char *roles = config_text(cli->config, "OHDC_DATABASE_ROLES");
	bool is_named = read_place(cli, &owner, &name);
	const char *who = is_named ? owner : "ohdc";
	printf(SQL_HEAD, who, roles ? roles : "-", is_named ? name : "ohdc", who, who);
	printf("%s\nselect set_config('ohdc.roles', $ohdc$%s$ohdc$, false);\n%s", migration_psql, roles ? roles : "",
	       migration_grants);
	return true;
}

bool cli_migrate(struct cli *cli, struct err *err)
{
	struct options options = {.is_plan = cli_flag(cli, "plan"), .is_create = cli_flag(cli, "create")};
	if (cli_flag(cli, "sql")) return cli_no_more(cli, err) && print_sql(cli);
	bool is_done = cli_keep_trying(cli, attempt, &options, err);
	cli->is_usage = err->code == ERR_INPUT; /* nobody else gives us input */
	return is_done;
}
