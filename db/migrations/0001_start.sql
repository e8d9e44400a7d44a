-- The first schema: connections, what arrived, who asked, what was started and answered.
-- Every promise of the services rests on a unique key, a row lock or a lease in these tables.

-- One row: which installation this database belongs to. Conversation ids are derived from it, so that a rebuilt
-- database never meets the conversations of an older one. The fingerprint stops a wrong sealing key at start.
create table installation (
    only_one        boolean primary key default true check (only_one),
    id              uuid not null default gen_random_uuid(),
    seal_key_id     text,
    seal_fingerprint text,
    created_at      timestamptz not null default now()
);
insert into installation default values;

-- A Jira or Bitbucket server, known by its normalised base URL, with the identity of our bot on it.
create table instance (
    id              bigint generated always as identity primary key,
    provider        text not null check (provider in ('jira', 'bitbucket')),
    base_url        text not null,
    bot_id          text,
    bot_key         text,
    bot_name        text,
    bot_email       text,
    bot_checked_at  timestamptz,
    created_at      timestamptz not null default now(),
    unique (provider, base_url)
);

-- One webhook: its URL carries (provider, id). Ids of ours start high, so that imported ids keep their place.
create sequence connection_id_seq start with 1000000;
create table connection (
    provider        text not null check (provider in ('jira', 'bitbucket')),
    id              bigint not null default nextval('connection_id_seq'),
    instance_id     bigint not null references instance (id),
    project_key     text,
    repo_slug       text,
    repo_id         bigint,
    status          text not null check (status in ('pending', 'active', 'paused', 'shadow')),
    secret_sealed   bytea not null,
    secret_next_sealed bytea,
    secret_previous_sealed bytea,
    bot_token_sealed bytea,
    hook_id         text,
    owner_user_id   text,
    org_id          text,
    activated_at    timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (provider, id),
    check (provider <> 'bitbucket' or (project_key is not null and repo_slug is not null))
);
create unique index connection_jira_instance on connection (instance_id) where provider = 'jira';
create unique index connection_bitbucket_repo on connection (instance_id, project_key, repo_slug)
    where provider = 'bitbucket';

create function connection_changed() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'connection' then
        perform pg_notify('ohdc_connection', new.provider || '/' || new.id);
    else
        perform pg_notify('ohdc_connection', '');
    end if;
    return null;
end $$;
create trigger connection_notify after insert or update on connection
    for each row execute function connection_changed();
create trigger instance_notify after update on instance
    for each row execute function connection_changed();

-- Which organisation a project's jobs run in.
create table org_map (
    provider        text not null check (provider in ('jira', 'bitbucket')),
    instance_id     bigint not null references instance (id),
    project_key     text not null,
    org_id          text not null,
    primary key (instance_id, project_key)
);

-- Everything that arrived, one row each, by day: partitions are dropped when the topic forgot them long ago.
create table delivery (
    day             date not null,
    delivery_id     uuid not null,
    provider        text not null,
    connection_id   bigint not null,
    event           text not null,
    event_key       text,
    subject         text,
    source          text not null,
    verdict         text not null,
    request_id      text,
    detail          text,
    received_at     timestamptz not null,
    topic_partition int not null,
    topic_offset    bigint not null,
    body_sha256     text,
    traceparent     text,
    intake_at       timestamptz not null default now(),
    primary key (day, delivery_id)
) partition by range (day);
create index delivery_event_key on delivery (event_key) where event_key is not null;
create index delivery_received on delivery (received_at);
create index delivery_id_only on delivery (delivery_id);

-- Make the partition of a day. Safe to call at the same time from many places.
create function delivery_partition(wanted date) returns void language plpgsql security definer
    set search_path from current as $$
begin
    if to_regclass('delivery_' || to_char(wanted, 'YYYYMMDD')) is null then
        perform pg_advisory_xact_lock(7305801, 1);
        execute format('create table if not exists %I partition of delivery for values from (%L) to (%L)',
                       'delivery_' || to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1);
    end if;
end $$;

-- One row for each thing a person asked for, however many deliveries spoke of it. Keys are never deleted.
-- NEW: to be decided; SENT: a job record is on its way; STARTED: the job exists; REFUSED: answered, may be decided again;
-- ALIAS: another key (alias_of) speaks for it.
create table trigger (
    event_key       text primary key,
    alias_of        text,
    provider        text not null,
    connection_id   bigint not null,
    instance_id     bigint not null,
    subject         text not null,
    kind            text not null check (kind in ('comment', 'label')),
    day             date not null,
    delivery_id     uuid not null,
    received_at     timestamptz not null,
    ask             jsonb not null,
    state           text not null default 'NEW' check (state in ('NEW', 'SENT', 'STARTED', 'REFUSED', 'ALIAS', 'FAILED')),
    outcome         text,
    detail          text,
    user_id         text,
    org_id          text,
    job_id          uuid,
    start_attempt   int not null default 0,
    answer_count    int not null default 0,
    attempts        int not null default 0,
    crashes         int not null default 0,
    next_attempt_at timestamptz not null default now(),
    lease_owner     text,
    lease_until     timestamptz,
    epoch           bigint not null default 0,
    decided_at      timestamptz,
    sent_at         timestamptz,    -- a job record is on its way, no job row seen yet
    opened_at       timestamptz not null default now(), -- the retry horizon counts from here
    created_at      timestamptz not null default now()
);
create index trigger_due on trigger (next_attempt_at) where state = 'NEW';
create index trigger_sent on trigger (sent_at) where sent_at is not null;
create index trigger_unlinked on trigger (decided_at)
    where state = 'REFUSED' and outcome in ('USER_NOT_LINKED', 'USER_UNKNOWN');

-- A person on a Jira or Bitbucket server who is a user of OpenHands.
create table user_link (
    instance_id     bigint not null references instance (id),
    account_key     text not null,
    user_id         text not null,
    org_id          text,
    account_name    text,
    method          text not null check (method in ('operator', 'oauth', 'email')),
    tokens_sealed   bytea,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (instance_id, account_key)
);
create index user_link_user on user_link (user_id);

-- One-time states of account linking (used by the OAuth pages).
create table oauth_state (
    state_sha256    text primary key,
    purpose         text not null,
    content_sealed  bytea not null,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null
);

-- Job records on their way to Kafka: written with the decision, deleted on the delivery report.
create table job_outbox (
    id              bigint generated always as identity primary key,
    bucket          int not null,
    job_id          uuid not null,
    event_key       text not null,
    record_key      text not null,
    record          text not null,
    traceparent     text,
    created_at      timestamptz not null default now()
);
create index job_outbox_bucket on job_outbox (bucket, id);
create table outbox_bucket (
    bucket          int primary key,
    lease_owner     text,
    lease_until     timestamptz not null default '-infinity'
);
insert into outbox_bucket (bucket) select generate_series(0, 15);

-- How far each consumer group has come, written in the transaction that did the work.
create table consumer_offset (
    group_name      text not null,
    topic           text not null,
    topic_partition int not null,
    next_offset     bigint not null,
    updated_at      timestamptz not null default now(),
    primary key (group_name, topic, topic_partition)
);

-- Counts a batch before it runs, so that a record that kills the process is found and set aside.
create table intake_attempt (
    group_name      text not null,
    topic           text not null,
    topic_partition int not null,
    first_offset    bigint not null,
    attempts        int not null default 0,
    updated_at      timestamptz not null default now(),
    primary key (group_name, topic, topic_partition)
);

-- One row for each job: an ask that is carried out (kind start) or only answered (kind answer).
create table job (
    job_id          uuid primary key,
    kind            text not null check (kind in ('start', 'answer')),
    event_key       text not null,
    start_attempt   int not null,
    provider        text not null,
    connection_id   bigint not null,
    instance_id     bigint not null,
    subject         text not null,
    user_id         text,
    org_id          text,
    record          jsonb not null,
    state           text not null default 'QUEUED' check (state in ('QUEUED', 'PREPARING', 'STARTING', 'RUNNING',
                    'ANSWERING', 'WAITING', 'DONE', 'REFUSED', 'FAILED', 'STOPPED')),
    outcome         text,
    detail          text,
    progress        jsonb not null default '{}',
    repository      text,
    git_provider    text,
    conversation_id uuid,
    start_task_id   text,
    attempts        int not null default 0,
    crashes         int not null default 0,
    next_attempt_at timestamptz not null default now(),
    phase_deadline_at timestamptz,
    lease_owner     text,
    lease_until     timestamptz,
    epoch           bigint not null default 0,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    ended_at        timestamptz
);
create index job_due on job (next_attempt_at) where ended_at is null;
create index job_event_key on job (event_key);
create index job_subject on job (subject, created_at);

-- Every change of a job's state, for trace and status.
create table job_step (
    id              bigint generated always as identity primary key,
    job_id          uuid not null references job (job_id),
    state           text not null,
    reason          text,
    detail          text,
    at              timestamptz not null default now()
);
create index job_step_job on job_step (job_id, id);

-- The ledger of outward effects: intent, then attempting, then confirmed with the remote id. After an unknown outcome
-- it is looked for before it is repeated.
create table effect (
    job_id          uuid not null references job (job_id),
    kind            text not null check (kind in ('start', 'reaction', 'ack', 'result', 'guidance')),
    seq             int not null default 0,
    state           text not null check (state in ('intent', 'attempting', 'confirmed', 'skipped', 'failed')),
    marker          text,
    remote_id       text,
    detail          text,
    attempts        int not null default 0,
    misses          int not null default 0,
    attempting_until timestamptz,
    probe_at        timestamptz,
    epoch           bigint not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (job_id, kind, seq)
);

-- Guidance given, so that one person reads the same advice on one issue at most once an hour.
create table guidance_given (
    subject         text not null,
    account_key     text not null,
    reason          text not null,
    given_at        timestamptz not null,
    job_id          uuid not null,
    primary key (subject, account_key, reason)
);

-- Which conversation a person has on a subject.
create table conversation (
    subject         text not null,
    user_id         text not null,
    conversation_id uuid not null,
    job_id          uuid not null,
    updated_at      timestamptz not null default now(),
    primary key (subject, user_id)
);

-- Who changed what; written through one function alone. Ids only, no texts.
create table audit (
    id              bigint generated always as identity primary key,
    at              timestamptz not null default now(),
    operator        text not null,
    action          text not null,
    object          text not null,
    detail          jsonb not null default '{}'
);
create function audit_write(operator text, action text, object text, detail jsonb) returns void
    language sql security definer set search_path from current as $$
    insert into audit (operator, action, object, detail) values ($1, $2, $3, $4)
$$;

-- The reason shown for a delivery: the job's, else the trigger's, else the delivery's own verdict.
create view delivery_outcome as
    select d.day, d.delivery_id, d.received_at, d.provider, d.connection_id, d.event, d.event_key, d.subject, d.source,
           d.verdict, d.request_id, d.detail,
           coalesce(t.alias_of, t.event_key) as trigger_key,
           coalesce(j.job_id, t.job_id) as job_id,
           case when d.verdict in ('TRIGGERED', 'DUPLICATE')
                then coalesce(j.outcome, t.outcome, d.verdict) else d.verdict end as reason
      from delivery d
      left join trigger a on a.event_key = d.event_key
      left join trigger t on t.event_key = coalesce(a.alias_of, a.event_key)
      left join lateral (select * from job x where x.event_key = t.event_key
                          order by x.created_at desc limit 1) j on true;
