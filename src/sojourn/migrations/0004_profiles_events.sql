-- People, their addresses, and what happened to them.

CREATE TABLE profiles (
    id           uuid NOT NULL,
    bucket       smallint NOT NULL CHECK (bucket = get_byte(uuid_send(id), 15)),
    workspace_id uuid NOT NULL,
    attributes   jsonb NOT NULL DEFAULT '{}',
    locale       text,
    timezone     text,
    country      text,
    is_test      boolean NOT NULL DEFAULT false,
    source       text NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    erased_at    timestamptz,
    merged_into  uuid,
    PRIMARY KEY (id, bucket)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX profiles_workspace ON profiles (workspace_id, id);
CREATE INDEX profiles_merged_into ON profiles (merged_into) WHERE merged_into IS NOT NULL;

-- One row an address. `key` is what the address is compared by: a phone number and the WhatsApp id of the same
-- line share it, and so do the two spellings of Brazilian and Mexican mobiles. The row's bucket comes from a hash
-- of the key, because an address is looked up before its profile is known.
CREATE TABLE identities (
    workspace_id   uuid NOT NULL,
    key            text NOT NULL,
    bucket         smallint NOT NULL,
    profile_id     uuid NOT NULL,
    scheme         text NOT NULL CHECK (scheme IN ('phone', 'wa_id', 'bsuid', 'email', 'external_id', 'anonymous_id')),
    value          text NOT NULL,
    wa_id          text,
    portfolio_id   text,
    is_primary     boolean NOT NULL DEFAULT true,
    state          text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'identity_changed', 'unreachable')),
    unreachable_at timestamptz,
    failed_days    date[] NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, key, bucket)
) WITH (fillfactor = 90);
CREATE INDEX identities_profile ON identities (profile_id);

-- What an address was before: a person who lost it keeps the trace, an administrator can read why.
CREATE TABLE identity_changes (
    id             uuid NOT NULL,
    bucket         smallint NOT NULL,
    workspace_id   uuid NOT NULL,
    profile_id     uuid NOT NULL,
    scheme         text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('lost', 'moved_in', 'replaced', 'merged')),
    other_id       uuid,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (id, bucket)
);
CREATE INDEX identity_changes_profile ON identity_changes (profile_id, bucket);

-- The key under which the personal parts of a person's consent ledger are encrypted; erasing deletes it.
CREATE TABLE profile_keys (
    profile_id uuid NOT NULL,
    bucket     smallint NOT NULL CHECK (bucket = get_byte(uuid_send(profile_id), 15)),
    wrapped    bytea NOT NULL,
    PRIMARY KEY (profile_id, bucket)
);

CREATE TABLE attribute_definitions (
    workspace_id uuid NOT NULL,
    name         text NOT NULL,
    type         text NOT NULL CHECK (type IN ('text', 'number', 'boolean', 'datetime', 'list', 'object', 'mixed')),
    is_declared  boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE events (
    id           uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    profile_id   uuid NOT NULL,
    name         text NOT NULL,
    properties   jsonb NOT NULL,
    source       text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (id, bucket)
) PARTITION BY RANGE (id);
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX events_profile ON events (profile_id, name, occurred_at);

-- Idempotency keys, kept 30 days; narrow and unpartitioned, so that the table itself can promise uniqueness.
CREATE TABLE event_keys (
    workspace_id uuid NOT NULL,
    key          text NOT NULL,
    bucket       smallint NOT NULL,
    event_id     uuid NOT NULL,
    profile_id   uuid NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, key, bucket)
);
CREATE INDEX event_keys_recorded ON event_keys USING brin (recorded_at);

-- A named filter on the payload of one event records a second event under its own name.
CREATE TABLE event_rules (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    name         text NOT NULL,
    base_name    text NOT NULL,
    conditions   jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    UNIQUE (workspace_id, name)
);
CREATE INDEX event_rules_base ON event_rules (workspace_id, base_name);

CREATE TABLE imports (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    file_digest  bytea NOT NULL,
    is_dry_run   boolean NOT NULL,
    actor        text NOT NULL,
    counts       jsonb NOT NULL,
    errors       jsonb NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX imports_workspace ON imports (workspace_id, id);
