-- Who agreed to what: the ledger with its evidence, the state folded from it, and what blocks beside it.

-- Append-only. Every person has a chain of their own: `hash` covers `prev_hash`, the plain columns and a digest of the
-- sealed bytes, so that it still verifies when the key of a person is destroyed and nobody can open `sealed` any more.
CREATE TABLE consent_entries (
    id            uuid NOT NULL,
    bucket        smallint NOT NULL,
    workspace_id  uuid NOT NULL,
    profile_id    uuid NOT NULL,
    seq           integer NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('consent', 'platform', 'hold')),
    channel       text NOT NULL,
    purpose       text NOT NULL,
    topic         text NOT NULL DEFAULT '',
    state         text NOT NULL CHECK (state IN ('pending', 'granted', 'withdrawn', 'expired',
                                                 'stopped', 'resumed', 'held', 'released')),
    source        text NOT NULL CHECK (source IN ('api', 'form', 'keyword', 'tap', 'link', 'inbound', 'import', 'member',
                                                  'platform', 'merge', 'tombstone', 'system')),
    identity_hash bytea,
    effective_at  timestamptz NOT NULL,
    expires_at    timestamptz,
    recorded_at   timestamptz NOT NULL,
    entry_key     bytea,
    sealed        bytea,
    prev_hash     bytea NOT NULL,
    hash          bytea NOT NULL,
    PRIMARY KEY (id, bucket),
    UNIQUE (profile_id, seq, bucket)
);
CREATE UNIQUE INDEX consent_entries_key ON consent_entries (workspace_id, profile_id, entry_key, bucket)
    WHERE entry_key IS NOT NULL;
COMMENT ON COLUMN consent_entries.sealed IS 'address, wording and other personal parts, under the key of the person';

CREATE TABLE consent_heads (
    profile_id   uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    seq          integer NOT NULL,
    hash         bytea NOT NULL,
    PRIMARY KEY (profile_id, bucket)
);

-- The fold of the ledger: of each kind of change the latest by effective time, so that the order of arrival does not
-- matter. What holds at a moment is decided when it is read. `identity_key` is the address that a grant was given for.
CREATE TABLE consents (
    profile_id         uuid NOT NULL,
    bucket             smallint NOT NULL,
    workspace_id       uuid NOT NULL,
    channel            text NOT NULL,
    purpose            text NOT NULL,
    topic              text NOT NULL DEFAULT '',
    identity_key       text NOT NULL DEFAULT '',
    granted_at         timestamptz,
    grant_expires_at   timestamptz,
    grant_entry_id     uuid,
    pending_at         timestamptz,
    pending_expires_at timestamptz,
    withdrawn_at       timestamptz,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (profile_id, channel, purpose, topic, identity_key, bucket)
) WITH (fillfactor = 85);

-- What stops marketing beside the person's own withdrawal: the stop on the platform's side, and our own hold while a
-- question ("did you mean stop?") has no answer. Each is lifted on its own side only.
CREATE TABLE consent_blocks (
    profile_id   uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    channel      text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('platform', 'hold')),
    blocked_at   timestamptz,
    lifted_at    timestamptz,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (profile_id, channel, kind, bucket)
) WITH (fillfactor = 85);

-- A double opt-in under way: what was asked for, until when an answer counts.
CREATE TABLE consent_requests (
    id              uuid NOT NULL,
    bucket          smallint NOT NULL,
    workspace_id    uuid NOT NULL,
    profile_id      uuid NOT NULL,
    channel         text NOT NULL,
    purpose         text NOT NULL,
    topics          text[] NOT NULL DEFAULT '{}',
    identity_key    text NOT NULL DEFAULT '',
    locale          text,
    state           text NOT NULL CHECK (state IN ('open', 'confirmed', 'declined', 'expired')),
    entry_ids       uuid[] NOT NULL DEFAULT '{}',
    requested_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    asked_at        timestamptz,
    questions       smallint NOT NULL DEFAULT 0,
    reminder_due_at timestamptz,
    closed_at       timestamptz,
    PRIMARY KEY (id, bucket)
);
CREATE UNIQUE INDEX consent_requests_open ON consent_requests (profile_id, channel, bucket) WHERE state = 'open';
CREATE INDEX consent_requests_expiry ON consent_requests (expires_at) WHERE state = 'open';
CREATE INDEX consent_requests_reminder ON consent_requests (reminder_due_at)
    WHERE state = 'open' AND reminder_due_at IS NOT NULL;

-- What an erased person had withdrawn, by keyed hash of the address: a later import does not undo it.
CREATE TABLE consent_tombstones (
    workspace_id  uuid NOT NULL,
    identity_hash bytea NOT NULL,
    bucket        smallint NOT NULL,
    channel       text NOT NULL,
    purpose       text NOT NULL,
    topic         text NOT NULL DEFAULT '',
    withdrawn_at  timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, identity_hash, channel, purpose, topic, bucket)
);

-- Addresses that get nothing. `channel` '*' means all. Matched by keyed hash; erasing takes the value and leaves that.
CREATE TABLE suppressions (
    id            uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL,
    channel       text NOT NULL DEFAULT '*',
    scheme        text NOT NULL,
    identity_key  text,
    identity_hash bytea NOT NULL,
    reason        text NOT NULL CHECK (reason IN ('manual', 'invalid', 'complaint', 'legal', 'erasure')),
    note          text,
    expires_at    timestamptz,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    UNIQUE (workspace_id, identity_hash, channel, reason)
);
CREATE INDEX suppressions_list ON suppressions (workspace_id, id);
CREATE INDEX suppressions_identity ON suppressions (workspace_id, identity_key) WHERE identity_key IS NOT NULL;

CREATE TABLE allow_list (
    workspace_id uuid NOT NULL,
    identity_key text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, identity_key)
);

CREATE TABLE opt_in_forms (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    slug         text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    version      integer NOT NULL,
    is_open      boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

-- Every version stays: it is the evidence of what people agreed to.
CREATE TABLE opt_in_form_versions (
    form_id    uuid NOT NULL REFERENCES opt_in_forms (id) ON DELETE CASCADE,
    version    integer NOT NULL,
    content    jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (form_id, version)
);

CREATE TABLE opt_in_links (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    code         text NOT NULL,
    content      jsonb NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    closed_at    timestamptz,
    UNIQUE (workspace_id, code)
);

-- How often a client used a public form, in windows of the system clock; the client is a keyed hash.
CREATE TABLE opt_in_hits (
    workspace_id uuid NOT NULL,
    client_hash  bytea NOT NULL,
    window_start timestamptz NOT NULL,
    hits         integer NOT NULL,
    PRIMARY KEY (workspace_id, client_hash, window_start)
);
