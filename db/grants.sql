-- What each program may do. Setting ohdc.roles says who is who: 'ingress=NAME,linker=NAME,...'; a program that is not named uses
-- the owner's role. Rights are only added, so that the programs of the version before stay at work; a migration that ends a need
-- takes the right back.
do $grants$
declare
    asked text := coalesce(current_setting('ohdc.roles', true), '');
    wrong text;
    line record;
begin
    perform pg_advisory_xact_lock(7305790243516834917);
    select string_agg(part, ', ') into wrong from unnest(string_to_array(asked, ',')) as part
     where not exists (select from pg_roles where rolname = substr(part, strpos(part, '=') + 1));
    if wrong is not null then
        raise exception using errcode = 'undefined_object', message = 'OHDC_DATABASE_ROLES names roles that do not exist (' || wrong
            || '), make them first, or use ohdc migrate --create';
    end if;
    if asked <> '' then
        revoke execute on function audit_write(text, text, text, jsonb), delivery_partition(date) from public;
        -- What runs as the owner must not take a table of the caller's temporary schema, which else comes first, for its own.
        execute format('alter function audit_write(text, text, text, jsonb) set search_path = %I, pg_temp', current_schema());
        execute format('alter function delivery_partition(date) set search_path = %I, pg_temp', current_schema());
        -- PostgreSQL 14 lets everybody make objects in the schema.
        if has_schema_privilege('public', current_schema(), 'create') then
            execute format('revoke create on schema %I from public', current_schema());
        end if;
    end if;
    for line in
        with who as (select split_part(part, '=', 1) as program, substr(part, strpos(part, '=') + 1) as role_name
                       from unnest(string_to_array(asked, ',')) as part),
        what (programs, rights, object) as (values
            ('*', 'connect', format('database %I', current_database())),
            ('*', 'usage', format('schema %I', current_schema())),
            ('*', 'select', 'schema_migration'),
            ('*', 'select, update (seal_key_id, seal_fingerprint)', 'installation'),
            ('*', 'select', 'instance'),
            ('ingress', 'select (provider, id, instance_id, status, project_key, repo_slug, repo_id, secret_sealed, '
                        'secret_next_sealed, secret_previous_sealed)', 'connection'),
            ('linker dispatcher installer ohdc', 'select', 'connection'),
            ('installer ohdc', 'insert, update', 'connection'),
            ('installer ohdc', 'insert, update', 'instance'),
            ('installer ohdc', 'usage', 'sequence connection_id_seq'),
            ('dispatcher installer ohdc', 'select', 'org_map'),
            ('dispatcher installer ohdc', 'select', 'access_rule'),
            ('installer ohdc', 'insert, update, delete', 'org_map'),
            ('installer ohdc', 'insert, update, delete', 'access_rule'),
            ('linker dispatcher installer ohdc', 'select, update', 'user_link'),
            ('linker installer ohdc', 'insert, delete', 'user_link'),
            ('linker installer', 'select, insert, update, delete', 'oauth_state'),
            ('linker installer ohdc', 'execute', 'function audit_write(text, text, text, jsonb)'),
            ('linker installer ohdc', 'select', 'delivery'),
            ('linker', 'insert, update (verdict)', 'delivery'),
            ('dispatcher', 'select (received_at)', 'delivery'), -- ohdc status, in its pod
            ('linker', 'execute', 'function delivery_partition(date)'),
            ('linker dispatcher ohdc', 'select, update', 'trigger'),
            ('linker', 'insert', 'trigger'),
            ('linker', 'select, insert, update', 'intake_attempt'),
            ('linker', 'select, insert, delete', 'job_outbox'),
            ('dispatcher', 'select (id)', 'job_outbox'), -- ohdc status
            ('linker', 'select, update', 'outbox_bucket'),
            ('linker dispatcher ohdc', 'select', 'consumer_offset'),
            ('linker dispatcher', 'insert, update', 'consumer_offset'),
            ('linker dispatcher ohdc', 'select', 'job'),
            ('dispatcher', 'insert, update', 'job'),
            ('dispatcher', 'insert', 'job_step'),
            ('dispatcher', 'select, insert, update', 'effect'),
            ('dispatcher', 'select, insert, update', 'conversation'),
            ('dispatcher', 'select, insert, update', 'guidance_given'),
            ('installer ohdc', 'select', 'connection_health'),
            ('ohdc', 'select', 'delivery_outcome'),
            ('ohdc', 'select', 'effect'),
            ('ohdc', 'select', 'job_step'),
            ('ohdc', 'select', 'job_outbox'),
            ('ohdc', 'select', 'audit'))
        select format('grant %s on %s to %I', what.rights, what.object, who.role_name) as statement
          from who join what on what.programs = '*' or who.program = any (string_to_array(what.programs, ' '))
         where who.role_name <> current_user
    loop
        execute line.statement;
    end loop;
end $grants$;
