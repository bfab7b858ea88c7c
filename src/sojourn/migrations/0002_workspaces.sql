-- Tenants, the keys that open their API, and the trail of changes made by hand.

CREATE TABLE workspaces (
    id               uuid PRIMARY KEY,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    timezone         text NOT NULL,
    default_language text NOT NULL,
    default_country  text NOT NULL CHECK (default_country ~ '^[A-Z]{2}$'),
    settings         jsonb NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

-- The secret itself is shown once and kept nowhere: 256 random bits need no slow hash.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind         text NOT NULL CHECK (kind IN ('secret', 'write')),
    prefix       text NOT NULL,
    digest       bytea NOT NULL UNIQUE,
    scopes       text[] NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at   timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_keys_workspace ON api_keys (workspace_id, id);

-- Ids and plain settings only: no name, number or text of a person ever stands here.
CREATE TABLE audit_entries (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    object_kind  text NOT NULL,
    object_id    text NOT NULL,
    changes      jsonb NOT NULL DEFAULT '{}',
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX audit_entries_workspace ON audit_entries (workspace_id, id);
CREATE INDEX audit_entries_object ON audit_entries (workspace_id, object_kind, object_id, id);
