"""The database as an operator makes it: by `ohdc migrate --create`, by the SQL of --sql, with least privilege."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.e2e.stack import SERVICES, Program, Stack, bin_dir
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.run.servers import Postgres, postgres_bin

FILES = ("0001_start.sql", "0002_connect.sql")


class Place:
    """A database that is not there yet, its owner and the services' roles."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self.postgres = postgres
        self.name = f"d{secrets.token_hex(4)}"
        self.owner = f'{self.name} "owner"'
        self.roles = {service: f"{self.name}-{service}" for service in SERVICES}
        self.passwords = folder / self.name
        self.passwords.mkdir()
        for service in SERVICES:
            (self.passwords / service).write_text(f"{service}'s\n")
        owner = self.owner.replace(" ", "%20").replace('"', "%22")
        self.env = {
            "OHDC_DATABASE_URL": f"postgresql://{owner}@127.0.0.1:{postgres.port}/{self.name}",
            "OHDC_DATABASE_PASSWORD": "the owner's",
            "OHDC_DATABASE_ADMIN_URL": f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres",
            "OHDC_DATABASE_ADMIN_PASSWORD": postgres.password,
            "OHDC_DATABASE_ROLES": ",".join(f"{service}={role}" for service, role in self.roles.items()),
            "OHDC_DATABASE_ROLE_PASSWORDS_DIR": str(self.passwords),
        }

    def run(self, *args: str, **change: str) -> subprocess.CompletedProcess[str]:
        """`ohdc migrate`; whatever it exits with."""
        kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        command = [str(bin_dir() / "ohdc"), "migrate", *args]
        env = kept | {name: value for name, value in (self.env | change).items() if value}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    def migrate(self, *args: str, **change: str) -> str:
        """`ohdc migrate`, which must succeed; what it printed."""
        done = self.run(*args, **change)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def connect(self, role: str, password: str) -> psycopg.Connection[tuple[object, ...]]:
        """As a role."""
        server = {"host": "127.0.0.1", "port": self.postgres.port}
        return psycopg.connect(**server, user=role, password=password, dbname=self.name, autocommit=True)

    def as_service(self, service: str) -> psycopg.Connection[tuple[object, ...]]:
        """As a service's own role."""
        return self.connect(self.roles[service], f"{service}'s")

    def remove(self) -> None:
        """Database and roles."""
        self.postgres.drop_database(self.name)
        for role in [self.owner, *self.roles.values()]:
            self.postgres.psql('DROP ROLE IF EXISTS "' + role.replace('"', '""') + '"', "postgres")


@pytest.fixture
def place(postgres: Postgres, programs: Path, tmp_path: Path) -> Iterator[Place]:
    """Nothing yet."""
    made = Place(postgres, tmp_path)
    try:
        yield made
    finally:
        made.remove()


# --- --create ----------------------------------------------------------------------------------------


def test_create_makes_everything_once(place: Place) -> None:
    """Four at the same moment, as pods start: each succeeds, each thing is made by one of them."""
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: place.migrate("--create"), range(4)))
    lines = "".join(told).splitlines()
    for what in (f"database {place.name}", f"role {place.owner}", *(f"role {role}" for role in place.roles.values())):
        assert lines.count(f"{what}  made") == 1, told
    assert "made" not in place.migrate("--create")
    with place.connect(place.owner, "the owner's") as own:
        assert own.execute("select count(*) from installation").fetchone() == (1,)


def test_create_leaves_passwords_alone(place: Place) -> None:
    """A role that is there keeps its password: it may have been changed since."""
    place.migrate("--create")
    (place.passwords / "ingress").write_text("another\n")
    place.migrate("--create")
    with place.as_service("ingress") as own:
        assert own.execute("select count(*) from connection").fetchone() == (0,)


def test_create_by_a_role_that_is_no_superuser(place: Place) -> None:
    """A managed server's admin may make databases and roles, and nothing else."""
    admin = f"{place.name}_admin"
    place.postgres.psql(f"CREATE ROLE {admin} LOGIN CREATEDB CREATEROLE PASSWORD 'adm'", "postgres")
    url = f"postgresql://{admin}@127.0.0.1:{place.postgres.port}/postgres"
    try:
        change = {"OHDC_DATABASE_ADMIN_URL": url, "OHDC_DATABASE_ADMIN_PASSWORD": "adm"}
        assert f"database {place.name}  made" in place.migrate("--create", **change)
        place.migrate("--create", **change)
    finally:
        place.remove()
        place.postgres.psql(f"DROP ROLE {admin}", "postgres")


def test_no_password_reaches_the_servers_log(place: Place) -> None:
    """The server is told a verifier only, even where it logs every statement."""
    place.postgres.psql("ALTER SYSTEM SET log_statement = 'all'", "postgres")
    place.postgres.psql("SELECT pg_reload_conf()", "postgres")
    try:
        place.migrate("--create", OHDC_DATABASE_PASSWORD="unheard-of-owner")
    finally:
        place.postgres.psql("ALTER SYSTEM RESET log_statement", "postgres")
        place.postgres.psql("SELECT pg_reload_conf()", "postgres")
    log = place.postgres.log_path.read_text(errors="replace")
    assert f'create role "{place.name}-ingress" login password \'SCRAM-SHA-256$' in log
    assert "unheard-of-owner" not in log and "ingress''s" not in log


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"OHDC_DATABASE_ADMIN_URL": ""}, "OHDC_DATABASE_ADMIN_URL: not set"),
        ({"OHDC_DATABASE_PASSWORD": ""}, "OHDC_DATABASE_PASSWORD is not set, expected one for the owner"),
        ({"OHDC_DATABASE_URL": "postgresql://127.0.0.1/x"}, "OHDC_DATABASE_URL: expected a libpq URI with a user"),
        ({"OHDC_DATABASE_URL": "nonsense"}, "OHDC_DATABASE_URL: expected a libpq URI with a user"),
        ({"OHDC_DATABASE_ROLES": "ingres=x"}, "OHDC_DATABASE_ROLES: found 'ingres=x', expected words"),
        ({"OHDC_DATABASE_ROLES": "ingress="}, "OHDC_DATABASE_ROLES: found 'ingress=', expected words"),
        ({"OHDC_DATABASE_ROLE_PASSWORDS_DIR": "/nowhere"}, "OHDC_DATABASE_ROLE_PASSWORDS_DIR: found '/nowhere/"),
    ],
)
def test_create_says_what_is_wrong(place: Place, change: dict[str, str], said: str) -> None:
    """One line: setting, what was found, what is expected; status 2."""
    done = place.run("--create", **change)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_roles_that_are_not_there(place: Place) -> None:
    """Without --create they have to be."""
    place.migrate("--create", OHDC_DATABASE_ROLES="")
    done = place.run(OHDC_DATABASE_ROLES="ingress=nobody,linker=no-one")
    assert done.returncode != 0 and "roles that do not exist (ingress=nobody, linker=no-one)" in done.stderr
    assert "one role for all programs" in place.migrate(OHDC_DATABASE_ROLES="")


def test_two_passwords_are_refused(place: Place) -> None:
    """Which one is meant cannot be known."""
    done = place.run(OHDC_DATABASE_URL="postgresql://a:unseen@127.0.0.1/b")
    assert done.returncode == 2 and "OHDC_DATABASE_URL: found a password in it" in done.stderr
    assert "unseen" not in done.stderr


# --- --wait ------------------------------------------------------------------------------------------


def test_wait_ends(place: Place) -> None:
    """Nobody there: says so, and what it waited for; status 6."""
    began = time.monotonic()
    done = place.run("--wait", "2", OHDC_DATABASE_URL="postgresql://a@127.0.0.1:1/b")
    assert done.returncode == 6 and 2 <= time.monotonic() - began < 20
    assert done.stderr.splitlines()[0].startswith("ohdc: waiting for database: connection to server at")


@pytest.mark.parametrize("seconds", ["x", "-1", "1.5", ""])
def test_wait_takes_seconds(place: Place, seconds: str) -> None:
    """Anything else is a usage error."""
    done = place.run("--wait", seconds)
    assert done.returncode == 2 and re.search(f"--wait: .*{seconds}.*, expected", done.stderr)


def test_wait_for_the_owner_to_be_made(place: Place) -> None:
    """One pod creates while another, which may not, waits."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(place.run, "--wait", "30", OHDC_DATABASE_ADMIN_URL="", OHDC_DATABASE_ROLES="")
        place.migrate("--create")
        done = waiting.result()
    assert done.returncode == 0, done.stderr
    assert FILES[1] in done.stdout


# --- another program's database ----------------------------------------------------------------------


def test_a_newer_database_is_left_as_it_is(place: Place) -> None:
    """The way back from N+1 to N: nothing to do, and the services start."""
    place.migrate("--create")
    with place.connect(place.owner, "the owner's") as own:
        own.execute("insert into schema_migration (name, sha256) values ('0009_later.sql', 'x')")
    told = place.migrate()
    assert "0009_later.sql  newer than this program, left as it is" in told
    assert "0009_later.sql" in place.migrate("--plan")


def test_a_changed_history_is_refused(place: Place) -> None:
    """Somebody else's 0002 is not ours."""
    place.migrate("--create")
    with place.connect(place.owner, "the owner's") as own:
        own.execute("update schema_migration set sha256 = 'x' where name = %s", [FILES[1]])
    done = place.run()
    assert done.returncode == 1 and f"migration '{FILES[1]}' was applied with another text" in done.stderr


# --- --sql -------------------------------------------------------------------------------------------


def dba(place: Place, sql: str, name: str) -> None:
    """What a database administrator does with it."""
    command = [str(postgres_bin() / "psql"), "-X", "-q", place.postgres.url_of(name)]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_database_made_from_the_sql_alone(stack: Stack, place: Place) -> None:
    """`ohdc migrate` has nothing to do with it, the services start on it; running the SQL again changes nothing."""
    sql = place.migrate("--sql")
    owner = place.owner.replace('"', '""')
    assert f'--   create database "{place.name}"' in sql
    roles = {owner: "the owner''s"} | {role: f"{service}''s" for service, role in place.roles.items()}
    for role, password in roles.items():
        dba(place, f"create role \"{role}\" login password '{password}'", "postgres")
    dba(place, f'create database {place.name} owner "{owner}" template template0', "postgres")
    for _ in range(2):
        dba(place, sql, place.name)
    told = place.migrate().splitlines()
    assert told[: len(FILES)] == [f"{name}  was there" for name in FILES]
    with place.connect(place.owner, "the owner's") as own:
        owners = own.execute("select distinct tableowner from pg_tables where schemaname = 'public'").fetchall()
        assert owners == [(place.owner,)]
    stack.prepare()
    prefix = {"OHDC_KAFKA_PREFIX": f"{place.name}."}  # another installation
    assert stack.ohdc_run("topics", "apply", env=prefix).returncode == 0
    for service in SERVICES:
        url = f"postgresql://{place.roles[service]}@127.0.0.1:{place.postgres.port}/{place.name}"
        change = prefix | {"OHDC_DATABASE_URL": url, "OHDC_DATABASE_PASSWORD": f"{service}'s"}
        program = Program(service, stack.folder, stack.env_for(service) | change)
        program.log = stack.folder / f"from-sql-{service}.log"
        program.start()
        assert program.stop() == 0


def test_the_sql_needs_no_settings(place: Place) -> None:
    """Somebody reads it before there is anything."""
    nothing = {name: "" for name in place.env}
    sql = place.migrate("--sql", **nothing)
    assert "create table delivery" in sql and '--   create role "ohdc"' in sql


# --- least privilege ---------------------------------------------------------------------------------


def test_status_as_the_dispatchers_role(place: Place) -> None:
    """What the chart's notes tell an operator to run in a dispatcher's pod; here only Kafka is missing."""
    place.migrate("--create")
    url = f"postgresql://{place.roles['dispatcher']}@127.0.0.1:{place.postgres.port}/{place.name}"
    env = {"OHDC_DATABASE_URL": url, "OHDC_DATABASE_PASSWORD": "dispatcher's", "OHDC_KAFKA_BROKERS": "127.0.0.1:1"}
    done = subprocess.run([str(bin_dir() / "ohdc"), "status"], env=os.environ | env, capture_output=True, text=True,
                          timeout=60, check=False)
    assert "last delivery" in done.stdout and "unsent jobs" in done.stdout, done.stderr
    assert "Kafka" in done.stderr


REFUSED = [
    ("ingress", "select * from user_link"),
    ("ingress", "select tokens_sealed from user_link"),
    ("ingress", "select * from oauth_state"),
    ("ingress", "select bot_token_sealed from connection"),
    ("ingress", "update connection set status = 'active'"),
    ("ingress", "select * from job"),
    ("ingress", "select * from trigger"),
    ("ingress", "insert into delivery select * from delivery"),
    ("ingress", "update installation set id = gen_random_uuid()"),
    ("ingress", "select audit_write('a', 'b', 'c', '{}')"),
    ("ingress", "select delivery_partition(current_date)"),
    ("linker", "insert into job select * from job"),
    ("linker", "update connection set status = 'active'"),
    ("linker", "delete from delivery"),
    ("linker", "delete from trigger"),
    ("linker", "insert into access_rule (instance_id, effect, kind, value) values (1, 'allow', 'user', 'x')"),
    ("dispatcher", "select * from oauth_state"),
    ("dispatcher", "select subject from delivery"),
    ("dispatcher", "select record from job_outbox"),
    ("dispatcher", "insert into trigger select * from trigger"),
    ("dispatcher", "insert into user_link (user_id) select user_id from user_link"),
    ("dispatcher", "update connection set status = 'active'"),
    ("dispatcher", "update access_rule set effect = 'allow'"),
    ("dispatcher", "delete from job"),
    ("dispatcher", "delete from effect"),
    ("installer", "select * from job"),
    ("installer", "insert into trigger select * from trigger"),
    ("installer", "update delivery set verdict = 'x'"),
    ("installer", "delete from connection"),
    *[(service, "delete from audit") for service in SERVICES],
    *[(service, "insert into audit (operator, action, object) values ('a', 'b', 'c')") for service in SERVICES],
    *[(service, "delete from schema_migration") for service in SERVICES],
    *[(service, "create table mine (a int)") for service in SERVICES],
    *[(service, "drop table delivery") for service in SERVICES],
]


@pytest.fixture(scope="module")
def made(postgres: Postgres, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A database with roles."""
    place = Place(postgres, tmp_path_factory.mktemp("made"))
    place.migrate("--create")
    yield place
    place.remove()


@pytest.mark.parametrize(("service", "sql"), REFUSED, ids=[f"{s}: {q[:50]}" for s, q in REFUSED])
def test_what_a_service_may_not(made: Place, service: str, sql: str) -> None:
    """The server refuses what is not the service's own."""
    with made.as_service(service) as own, pytest.raises(psycopg.errors.InsufficientPrivilege):
        own.execute(sql)


@pytest.mark.parametrize("service", ["linker", "installer"])
def test_no_service_acts_as_the_owner(made: Place, service: str) -> None:
    """A table of the caller's own, named as one that a function of the owner writes to, is not taken for it."""
    with made.as_service(service) as own:
        own.execute("create temp table audit (operator text, action text, object text, detail jsonb)")
        own.execute("grant all on audit to public")
        own.execute(
            "create function pg_temp.seize() returns trigger language plpgsql as"
            " $$ begin raise exception 'at work as %', current_user; end $$"
        )
        own.execute("create trigger seize before insert on pg_temp.audit for each row execute function pg_temp.seize()")
        own.execute("select audit_write('a', %s, 'c', '{}')", [service])
    with made.connect(made.owner, "the owner's") as owner:
        assert owner.execute("select count(*) from audit where action = %s", [service]).fetchone() == (1,)


def test_no_service_makes_objects(place: Place) -> None:
    """Where everybody may make them in the schema (PostgreSQL 14), a function there could be called as another."""
    place.migrate("--create", OHDC_DATABASE_ROLES="")
    with place.connect(place.owner, "the owner's") as owner:
        owner.execute("grant create on schema public to public")
    place.migrate("--create")
    with place.as_service("ingress") as own, pytest.raises(psycopg.errors.InsufficientPrivilege):
        own.execute("create function lower(date) returns text language sql as 'select null::text'")


def test_every_table_has_somebody(made: Place) -> None:
    """A new table without a line in db/grants.sql is found here."""
    with made.connect(made.owner, "the owner's") as own:
        rows = own.execute(
            "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace"
            " and c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relacl is null and c.relname <> all (%s)",
            [["audit", "delivery_outcome"]],
        ).fetchall()
    assert rows == []


# --- a password that changes -------------------------------------------------------------------------


def test_a_password_changes_under_a_running_service(world: World) -> None:
    """The file may change before the server or after it; a wrong one stays without effect and is said once."""
    stack = world.stack
    role, service = stack.roles["ingress"], "ingress"
    file = stack.folder / "ingress-password"
    file.write_text("ingress-role-password\n")
    url = stack.folder / "ingress-url"
    url.write_text(stack.url_for(service).replace(":ingress-role-password", ""))
    change = {
        "OHDC_DATABASE_URL": "",
        "OHDC_DATABASE_URL_FILE": str(url),
        "OHDC_DATABASE_PASSWORD_FILE": str(file),
    }
    program = Program(service, stack.folder, stack.env_for(service) | change)
    program.log = stack.folder / "password-ingress.log"
    program.start()
    end = f"select count(pg_terminate_backend(pid)) as n from pg_stat_activity where usename = '{role}'"
    alive = f"select count(*) as n from pg_stat_activity where usename = '{role}' and application_name like 'ohdc-%%'"
    others = stack.programs["ingress"]
    others.stop()

    def reconnects() -> None:
        assert stack.rows(end)[0]["n"] > 0
        wait_until(lambda: stack.rows(alive)[0]["n"] > 0, 20, "it is connected again")

    reconnects()
    file.write_text("wrong-password\n")
    reconnects()
    reconnects()
    warned = "a changed database login does not work"
    assert program.log.read_text().count(warned) == 1
    file.write_text("changed-password\n")
    stack.postgres.psql(f"ALTER ROLE \"{role}\" PASSWORD 'changed-password'", "postgres")
    reconnects()
    stack.postgres.psql(f"ALTER ROLE \"{role}\" PASSWORD 'last-password'", "postgres")
    file.write_text("last-password\n")
    reconnects()
    right = url.read_text()
    url.write_text(stack.url_for(service))
    reconnects()
    reconnects()
    assert program.log.read_text().count(warned) == 2, "two passwords are said once"
    url.write_text(right)
    reconnects()
    text = program.log.read_text()
    assert text.count(warned) == 2 and "-password" not in text.replace(str(file), "")
    assert program.stop() == 0
    stack.postgres.psql(f"ALTER ROLE \"{role}\" PASSWORD 'ingress-role-password'", "postgres")
    others.start()
