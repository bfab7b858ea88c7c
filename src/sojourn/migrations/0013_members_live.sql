-- Members who sign in, what they may do, their sessions and links; news for browsers; the chain of the audit trail.

-- A person who signs in, once an installation. The address is lower case; there is no password before the first link.
CREATE TABLE members (
    id              uuid PRIMARY KEY,
    email           text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    password_digest text,
    language        text,
    theme           text NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    shortcuts       boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- A member in one workspace. The name belongs here: one workspace does not learn from another what somebody is called.
CREATE TABLE memberships (
    workspace_id      uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    member_id         uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    roles             text[] NOT NULL CHECK (cardinality(roles) > 0),
    state             text NOT NULL CHECK (state IN ('invited', 'active', 'deactivated')),
    invited_by        text NOT NULL,
    created_at        timestamptz NOT NULL,
    joined_at         timestamptz,
    deactivated_at    timestamptz,
    last_signed_in_at timestamptz,
    PRIMARY KEY (workspace_id, member_id)
);
CREATE INDEX memberships_member ON memberships (member_id);

CREATE TABLE custom_roles (
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    title        text NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
    rights       text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

-- Only the digest of a cookie is kept: 256 random bits need no slow hash.
CREATE TABLE member_sessions (
    digest       bytea PRIMARY KEY,
    member_id    uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);
CREATE INDEX member_sessions_member ON member_sessions (member_id, workspace_id);

-- Invitations and resets, handed over by an admin; of the secret in the address only the digest is kept.
CREATE TABLE member_links (
    digest       bytea PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    member_id    uuid NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('invitation', 'reset')),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX member_links_member ON member_links (member_id, workspace_id);

-- How often somebody tried to sign in: keys are keyed hashes of e-mail and network address.
CREATE TABLE sign_in_attempts (
    key     bytea PRIMARY KEY,
    count   integer NOT NULL,
    ends_at timestamptz NOT NULL
);

-- News for browsers: ids, states and counts, never text or addresses. Ids are of the system clock. One row tells of a
-- whole batch: whose news it also is stands in `profiles` and `senders`.
CREATE TABLE live_events (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    topic        text NOT NULL,
    payload      jsonb NOT NULL,
    profiles     uuid[] NOT NULL DEFAULT '{}',
    senders      uuid[] NOT NULL DEFAULT '{}'
);

-- Entries are written without a lock and sealed into their workspace's chain soon after, one sealer at a time.
ALTER TABLE audit_entries
    ADD COLUMN position bigint,
    ADD COLUMN digest bytea;
CREATE UNIQUE INDEX audit_entries_position ON audit_entries (workspace_id, position) WHERE position IS NOT NULL;
CREATE INDEX audit_entries_unsealed ON audit_entries (workspace_id, id) WHERE position IS NULL;
CREATE INDEX audit_entries_actor ON audit_entries (workspace_id, actor, id);

CREATE TABLE audit_chains (
    workspace_id uuid PRIMARY KEY,
    position     bigint NOT NULL,
    digest       bytea NOT NULL
);
