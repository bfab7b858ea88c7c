-- Erasures with their reports, archives of a person, and webhooks that we send.

-- One row a request. `people` (keyed hashes of addresses) is kept while late reports may still name the person.
ALTER TABLE erasures ADD COLUMN profile_ids uuid[] NOT NULL DEFAULT '{}';
UPDATE erasures SET profile_ids = ARRAY[profile_id];
ALTER TABLE erasures
    DROP COLUMN profile_id,
    ADD COLUMN reason text NOT NULL DEFAULT 'person_request',
    ADD COLUMN kept jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN tombstones integer NOT NULL DEFAULT 0,
    ADD COLUMN people bytea[],
    ADD COLUMN list_entry text,
    ADD COLUMN checks smallint NOT NULL DEFAULT 0,
    ADD COLUMN next_check_at timestamptz;
ALTER TABLE erasures ALTER COLUMN profile_ids DROP DEFAULT, ALTER COLUMN reason DROP DEFAULT;
COMMENT ON COLUMN erasures.list_entry IS 'its line in the list outside of the database, as JSON: ids and keyed hashes';
CREATE INDEX erasures_checks ON erasures (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX erasures_profiles ON erasures USING gin (profile_ids);

-- What was dispatched before an erasure runs on; its late reports must not write the person back.
ALTER TABLE deliveries ADD COLUMN is_erased boolean NOT NULL DEFAULT false;
-- Keys are the callers' own and may contain an address: an erasure finds those of its deliveries.
CREATE INDEX delivery_keys_delivery ON delivery_keys (delivery_id);

-- How long a workspace keeps a class of data, where it does not keep it as long as the product does.
CREATE TABLE retention_periods (
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    class        text NOT NULL,
    days         integer NOT NULL CHECK (days > 0),
    changed_by   text NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, class)
);

-- What we hold about one person, put together on request. The parts are envelopes under the installation key.
CREATE TABLE archives (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    profile_id   uuid NOT NULL,
    state        text NOT NULL CHECK (state IN ('waiting', 'ready', 'failed')),
    requested_by text NOT NULL,
    counts       jsonb NOT NULL DEFAULT '{}',
    size_bytes   bigint,
    requested_at timestamptz NOT NULL,
    ready_at     timestamptz,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX archives_workspace ON archives (workspace_id, id);
CREATE INDEX archives_profile ON archives (profile_id);
CREATE INDEX archives_expiry ON archives (expires_at);

CREATE TABLE archive_parts (
    archive_id uuid NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('json', 'zip')),
    part       integer NOT NULL,
    content    bytea NOT NULL,
    PRIMARY KEY (archive_id, kind, part)
);
ALTER TABLE archive_parts ALTER COLUMN content SET STORAGE EXTERNAL;

-- Addresses that want to hear what happens here. The secrets are envelopes under the installation key; after a change
-- the old one signs beside the new one for a day.
CREATE TABLE outbound_endpoints (
    id                    uuid PRIMARY KEY,
    workspace_id          uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    url                   text NOT NULL CHECK (length(url) <= 2000),
    description           text NOT NULL DEFAULT '',
    events                text[] NOT NULL,
    include_personal_data boolean NOT NULL DEFAULT false,
    state                 text NOT NULL CHECK (state IN ('active', 'failing', 'disabled')),
    state_reason          text,
    secret                bytea NOT NULL,
    old_secret            bytea,
    old_secret_until      timestamptz,
    created_by            text NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    failing_since         timestamptz
);
CREATE INDEX outbound_endpoints_workspace ON outbound_endpoints (workspace_id, id);

-- One message to one endpoint: the same id and body at every attempt. The body is an envelope: it may be personal.
CREATE TABLE outbound_messages (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    endpoint_id  uuid NOT NULL REFERENCES outbound_endpoints (id) ON DELETE CASCADE,
    profile_id   uuid,
    event        text NOT NULL,
    body         bytea NOT NULL,
    state        text NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts     smallint NOT NULL DEFAULT 0,
    due_at       timestamptz,
    created_at   timestamptz NOT NULL,
    UNIQUE (endpoint_id, id)
);
CREATE INDEX outbound_messages_profile ON outbound_messages (profile_id) WHERE profile_id IS NOT NULL;
CREATE INDEX outbound_messages_created ON outbound_messages USING brin (created_at);

CREATE TABLE outbound_attempts (
    id             uuid PRIMARY KEY,
    message_id     uuid NOT NULL REFERENCES outbound_messages (id) ON DELETE CASCADE,
    endpoint_id    uuid NOT NULL,
    number         smallint NOT NULL,
    status_code    integer,
    error          text,
    duration_ms    integer NOT NULL,
    attempted_at   timestamptz NOT NULL
);
CREATE INDEX outbound_attempts_endpoint ON outbound_attempts (endpoint_id, id);
CREATE INDEX outbound_attempts_message ON outbound_attempts (message_id);
