-- How messages leave and what comes back: senders, their secrets and history, media, raw webhook bodies.

CREATE TABLE webhook_apps (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    app_id text NOT NULL,
    key text NOT NULL UNIQUE,
    app_secret bytea NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    verified_at timestamptz,
    UNIQUE (workspace_id, app_id)
);
COMMENT ON TABLE webhook_apps IS 'one app at the provider: its webhook address and the secret that signs its posts';
COMMENT ON COLUMN webhook_apps.key IS 'the last part of the webhook address; random';
COMMENT ON COLUMN webhook_apps.app_secret IS 'envelope under the installation key';
COMMENT ON COLUMN webhook_apps.verified_at IS 'the provider last shook hands at this moment';

CREATE TABLE senders (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('whatsapp', 'memory', 'email', 'sms', 'push', 'inapp')),
    name text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    phone_number text,
    phone_number_id text,
    waba_id text,
    webhook_app_id uuid REFERENCES webhook_apps (id),
    base_url text,
    api_version text NOT NULL DEFAULT 'v26.0',
    simulated boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'checking', 'active', 'failed', 'stopped')),
    state_reason text,
    stopped_reason text,
    stopped_at timestamptz,
    throughput_per_s integer NOT NULL DEFAULT 70 CHECK (throughput_per_s BETWEEN 1 AND 1000),
    throughput_level text,
    quality text,
    verified_name text,
    provider_status text,
    portfolio_id text,
    portfolio_limit integer,
    country text,
    default_language text,
    timezone text NOT NULL DEFAULT 'UTC',
    currency text,
    version integer NOT NULL DEFAULT 1,
    checked_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON COLUMN senders.portfolio_limit IS 'people a moving day outside the service window; null: no limit or not known';
COMMENT ON COLUMN senders.quality IS 'green, yellow, red or unknown, as the provider reports it';
COMMENT ON COLUMN senders.version IS 'grows with every change; processes keep decrypted credentials by it';
CREATE UNIQUE INDEX senders_number ON senders (workspace_id, channel, phone_number_id) WHERE phone_number_id IS NOT NULL;
CREATE UNIQUE INDEX senders_default ON senders (workspace_id, channel) WHERE is_default;
CREATE INDEX senders_waba ON senders (waba_id) WHERE waba_id IS NOT NULL;
CREATE INDEX senders_phone_number_id ON senders (phone_number_id) WHERE phone_number_id IS NOT NULL;

CREATE TABLE sender_credentials (
    sender_id uuid PRIMARY KEY REFERENCES senders (id) ON DELETE CASCADE,
    access_token bytea NOT NULL,
    token_hint text NOT NULL,
    expires_at timestamptz,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN sender_credentials.access_token IS 'envelope under the installation key; never leaves by the API';
COMMENT ON COLUMN sender_credentials.token_hint IS 'its last four characters, so that a person can tell two tokens apart';

CREATE TABLE sender_history (
    id uuid PRIMARY KEY,
    sender_id uuid NOT NULL REFERENCES senders (id) ON DELETE CASCADE,
    workspace_id uuid NOT NULL,
    what text NOT NULL,
    old_value text,
    new_value text,
    reason text,
    source text NOT NULL CHECK (source IN ('webhook', 'check', 'member', 'send')),
    dedup_key bytea,
    at timestamptz NOT NULL
);
COMMENT ON COLUMN sender_history.what IS 'state, quality, limit, throughput, name, number_status or the kind of a notice';
COMMENT ON COLUMN sender_history.dedup_key IS 'hash of the webhook value: the same news twice is one row';
CREATE INDEX sender_history_sender ON sender_history (sender_id, id);
CREATE UNIQUE INDEX sender_history_dedup ON sender_history (sender_id, dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE media (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    kind text NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'document', 'sticker')),
    mime text,
    filename text,
    size_bytes bigint,
    sha256 bytea,
    state text NOT NULL CHECK (state IN ('pending', 'stored', 'failed')),
    reason text,
    sender_id uuid,
    provider_media_id text,
    person_hashes bytea[],
    created_at timestamptz NOT NULL,
    stored_at timestamptz
);
COMMENT ON COLUMN media.filename IS 'of an upload; the name of an inbound file stays with its message';
COMMENT ON COLUMN media.person_hashes IS 'keyed hashes of whom an inbound file came from, for erasure';
CREATE INDEX media_workspace ON media (workspace_id, id);
CREATE UNIQUE INDEX media_content ON media (workspace_id, sha256, kind, mime) WHERE direction = 'out';
CREATE UNIQUE INDEX media_inbound ON media (sender_id, provider_media_id) WHERE direction = 'in';
CREATE INDEX media_people ON media USING gin (person_hashes) WHERE person_hashes IS NOT NULL;

CREATE TABLE media_blobs (
    media_id uuid NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    part integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (media_id, part)
);
ALTER TABLE media_blobs ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON TABLE media_blobs IS 'parts of at most 1 MiB, each an envelope under the installation key';

CREATE TABLE media_uploads (
    media_id uuid NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    sender_id uuid NOT NULL REFERENCES senders (id) ON DELETE CASCADE,
    provider_media_id text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (media_id, sender_id)
);

CREATE TABLE webhook_bodies (
    digest bytea PRIMARY KEY,
    webhook_app_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    parsed_at timestamptz,
    state text NOT NULL DEFAULT 'new'
        CHECK (state IN ('new', 'parsed', 'partial', 'malformed', 'unroutable', 'redacted')),
    reason text,
    updates integer,
    size_bytes integer NOT NULL,
    people bytea[],
    body bytea NOT NULL
) WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 50000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE webhook_bodies ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON COLUMN webhook_bodies.digest IS 'of app and raw bytes: a repeated post is the same row';
COMMENT ON COLUMN webhook_bodies.received_at IS 'product clock, like every moment here';
COMMENT ON COLUMN webhook_bodies.state IS 'partial: some updates are of a kind we do not know; unroutable: no sender of ours';
COMMENT ON COLUMN webhook_bodies.people IS 'keyed hashes of the people in it, so that an erasure can redact';
COMMENT ON COLUMN webhook_bodies.body IS 'envelope under the installation key; first byte of the plain text: 0 raw, 1 deflated';
CREATE INDEX webhook_bodies_new ON webhook_bodies (received_at) WHERE parsed_at IS NULL;
CREATE INDEX webhook_bodies_received ON webhook_bodies USING brin (received_at) WITH (autosummarize = on);
CREATE INDEX webhook_bodies_people ON webhook_bodies USING gin (people) WITH (fastupdate = on) WHERE people IS NOT NULL;
CREATE INDEX webhook_bodies_odd ON webhook_bodies (webhook_app_id, received_at)
    WHERE state IN ('partial', 'malformed', 'unroutable');

CREATE TABLE webhook_counters (
    workspace_id uuid NOT NULL,
    day date NOT NULL,
    field text NOT NULL,
    kind text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (workspace_id, day, field, kind)
);
COMMENT ON TABLE webhook_counters IS 'what came in besides messages and statuses, the unknown and malformed among it';
