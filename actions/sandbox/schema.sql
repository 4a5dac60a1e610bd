-- The database of the virtual-queue API. Applied once by `up`; safe to apply again.
create table if not exists schema_version (
    version integer primary key,
    description text not null,
    applied_at timestamptz not null default now()
);
create table if not exists queues (
    id integer generated always as identity primary key,
    name text not null unique,
    created_at timestamptz not null default now()
);
create table if not exists users (
    id bigint generated always as identity primary key,
    name text not null unique,
    created_at timestamptz not null default now()
);
create table if not exists sessions (
    id bigint generated always as identity primary key,
    queue_id integer not null references queues,
    user_id bigint not null references users,
    ticket bigint not null,
    state text not null default 'waiting' check (state in ('waiting', 'served')),
    joined_at timestamptz not null default now(),
    served_at timestamptz,
    unique (queue_id, ticket)
);
create index if not exists sessions_waiting on sessions (queue_id, ticket) where state = 'waiting';
create table if not exists events (
    token text primary key,
    kind text not null,
    session_id bigint references sessions,
    version text not null,
    colour text not null,
    at timestamptz not null default now()
);
create table if not exists settings (
    name text primary key,
    value text not null
);
insert into schema_version (version, description) values
    (38, 'queues, users, sessions'), (39, 'events'), (40, 'settings'), (41, 'unique tickets')
    on conflict do nothing;
insert into settings (name, value) values ('greeting', 'please wait') on conflict do nothing;
insert into queues (name)
    select name from unnest(array['passports', 'vaccination', 'permits', 'tax', 'housing', 'libraries', 'parking', 'schools'])
    as name on conflict do nothing;
