-- Connecting from the browser: links that can be switched off and carry tokens, secrets that change without a gap, who may use what.

-- Services of the version before are at work: all locks at once, in the order in which these take theirs.
lock table delivery in access exclusive mode;
lock table job in share mode;
lock table trigger, connection, user_link, oauth_state in access exclusive mode;

-- A link as OHE's Settings show it. Inactive: the person disconnected, or the connection's owner removed it; nobody is found by it.
-- An account nobody has seen yet (e-mail mode) is kept as 'unavailable:' + the user's id until the first mention names it.
alter table user_link add column id bigint generated always as identity (start with 1000000);
alter table user_link add column status text not null default 'active' check (status in ('active', 'inactive'));
alter table user_link add column token_expires_at timestamptz;  -- of the access token; null: not known
alter table user_link add column refresh_owner text;            -- one refresh at a time, under a lease
alter table user_link add column refresh_until timestamptz;
alter table user_link add column refreshed_at timestamptz;
create unique index user_link_id on user_link (id);

-- A connection: the account its bot token belongs to, and the change of its secret.
alter table connection add column svc_email text;
alter table connection add column secret_shown_at timestamptz;      -- null: a pending secret that its owner may still see once
alter table connection add column next_at timestamptz;              -- secret_next_sealed is on its way into the hook since
alter table connection add column rotated_at timestamptz;           -- secret_sealed is in use since
alter table connection add column previous_until timestamptz;       -- null: until a delivery is verified with the new secret
alter table connection add column hook_error text;                  -- why the last installation failed, in the provider's words

-- With which of the connection's secrets a delivery was verified: current, next, previous.
alter table delivery add column secret_used text;
create index delivery_connection on delivery (provider, connection_id, received_at);

-- What a connection's page shows of its asks and answers.
create index job_connection on job (provider, connection_id, created_at);
create index trigger_connection on trigger (provider, connection_id, state, created_at);

-- One-time states: whose they are, to count them and to end them.
alter table oauth_state add column user_id text;
create index oauth_state_expiry on oauth_state (expires_at);

-- Who and what may start jobs: a denial wins; where a kind has any allowance, only what is allowed may.
-- Values: project key; repository owner/name; account key or name of a person; id of an organisation.
create table access_rule (
    id              bigint generated always as identity primary key,
    instance_id     bigint not null references instance (id),
    effect          text not null check (effect in ('allow', 'deny')),
    kind            text not null check (kind in ('project', 'repository', 'user', 'org')),
    value           text not null check (value <> ''),
    created_at      timestamptz not null default now(),
    unique (instance_id, effect, kind, value)
);

-- Who has linked an account again does not have to ask again.
drop index trigger_unlinked;
create index trigger_unlinked on trigger (decided_at)
    where state = 'REFUSED' and outcome in ('USER_NOT_LINKED', 'USER_UNKNOWN', 'LOGIN_NEEDED');

-- A connection as its page and its JSON twin show it. signed_at: the last delivery that proves the secret that counts now; a next
-- one that a delivery has used becomes the current one within seconds, so that its proof is a little older than rotated_at.
create view connection_health as
    select c.provider || '/' || c.id as name, c.provider, c.id, i.base_url as server,
           c.provider = 'jira' as is_jira, c.provider = 'bitbucket' as is_bitbucket,
           c.project_key || '/' || c.repo_slug as repository,
           c.status = 'pending' as is_pending, c.status = 'active' as is_active,
           c.status = 'paused' as is_paused, c.status = 'shadow' as is_shadow,
           '/integration/' || c.provider || '-dc/connections/' || c.id || '/events' as events_path,
           c.hook_id, c.hook_error, c.svc_email, c.owner_user_id, c.org_id, c.updated_at,
           c.status = 'pending' or c.secret_next_sealed is not null as waits_for_hook,
           c.secret_next_sealed is not null as has_next_secret, c.secret_shown_at is not null as is_secret_shown,
           d.delivered_at, d.deliveries_day, s.signed_at, t.refused_week, t.undecided + j.open_jobs as waiting, a.answers
      from connection c
      join instance i on i.id = c.instance_id
     cross join lateral (
           select date_trunc('second', max(received_at)) as delivered_at,
                  count(*) filter (where received_at > now() - interval '1 day') as deliveries_day
             from delivery x
            where x.provider = c.provider and x.connection_id = c.id and x.received_at > now() - interval '30 days') d
     cross join lateral (
           select date_trunc('second', max(received_at)) as signed_at
             from delivery x
            where x.provider = c.provider and x.connection_id = c.id
              and case when c.secret_next_sealed is not null then x.secret_used = 'next' and x.received_at > c.next_at
                       when x.secret_used = 'next' then x.received_at > c.rotated_at - interval '1 minute'
                       else coalesce(x.secret_used, 'current') = 'current'
                            and x.received_at >= coalesce(c.rotated_at, c.created_at) end) s
     cross join lateral (
           select count(*) filter (where state = 'REFUSED' and created_at > now() - interval '7 days') as refused_week,
                  count(*) filter (where state in ('NEW', 'SENT')) as undecided
             from trigger x
            where x.provider = c.provider and x.connection_id = c.id and x.state in ('REFUSED', 'NEW', 'SENT')) t
     cross join lateral (
           select count(*) as open_jobs from job x
            where x.provider = c.provider and x.connection_id = c.id and x.ended_at is null) j
     cross join lateral (
           select json_agg(y) as answers
             from (select coalesce(x.record #>> '{ask,issue_key}', x.subject) as what, coalesce(x.outcome, x.state) as outcome,
                          x.state in ('FAILED', 'REFUSED') as is_bad, date_trunc('second', x.updated_at) as at
                     from job x
                    where x.provider = c.provider and x.connection_id = c.id
                    order by x.created_at desc limit 3) y) a;
