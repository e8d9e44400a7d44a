-- Connecting from the browser: links that can be switched off and carry tokens, secrets that change without a gap, who may use what.

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
