-- What was said, in and out; the road out; what it cost.

-- The ledger. An outbound row carries the id of its delivery and is written when the provider took the message.
CREATE TABLE messages (
    id                  uuid NOT NULL,
    bucket              smallint NOT NULL,
    workspace_id        uuid NOT NULL,
    profile_id          uuid NOT NULL,
    sender_id           uuid NOT NULL,
    channel             text NOT NULL,
    direction           text NOT NULL CHECK (direction IN ('in', 'out')),
    kind                text NOT NULL,
    text                text,
    data                jsonb NOT NULL DEFAULT '{}',
    provider_message_id text NOT NULL,
    context_id          text,
    said_at             timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL,
    PRIMARY KEY (id, bucket)
) PARTITION BY RANGE (id);
COMMENT ON COLUMN messages.said_at IS 'the message''s own time: inbound as the provider states it, outbound when it was accepted';
COMMENT ON COLUMN messages.context_id IS 'the provider''s id of the message that this one quotes';
CREATE TABLE messages_default PARTITION OF messages DEFAULT;
CREATE INDEX messages_profile ON messages (profile_id, said_at);

-- Uniqueness of the provider's ids. The key is a digest of workspace and provider id, the bucket its last byte.
CREATE TABLE provider_messages (
    key        uuid NOT NULL,
    bucket     smallint NOT NULL,
    message_id uuid NOT NULL,
    direction  text NOT NULL CHECK (direction IN ('in', 'out')),
    PRIMARY KEY (key, bucket)
);

-- The service window belongs to the pair of person and sender. A refusal by the platform closes it.
CREATE TABLE windows (
    profile_id      uuid NOT NULL,
    sender_id       uuid NOT NULL,
    bucket          smallint NOT NULL,
    workspace_id    uuid NOT NULL,
    last_inbound_at timestamptz NOT NULL,
    closed_at       timestamptz,
    PRIMARY KEY (profile_id, sender_id, bucket)
) WITH (fillfactor = 85);

-- The intent to bring a message to a profile, and how far it got. Narrow: it is updated with every report.
CREATE TABLE deliveries (
    id             uuid NOT NULL,
    bucket         smallint NOT NULL,
    workspace_id   uuid NOT NULL,
    profile_id     uuid NOT NULL,
    sender_id      uuid,
    template_id    uuid,
    owner_id       uuid,
    run_id         uuid,
    requested_at   timestamptz NOT NULL,
    planned_at     timestamptz NOT NULL,
    expires_at     timestamptz,
    accepted_at    timestamptz,
    held_at        timestamptz,
    sent_at        timestamptz,
    failed_at      timestamptz,
    delivered_at   timestamptz,
    read_at        timestamptz,
    played_at      timestamptz,
    ended_at       timestamptz,
    replied_at     timestamptz,
    error_code     integer,
    attempt_number smallint NOT NULL DEFAULT 0,
    lane           smallint NOT NULL,
    channel        text NOT NULL,
    purpose        text NOT NULL,
    owner_kind     text NOT NULL,
    step_key       text,
    status         text NOT NULL CHECK (status IN ('queued', 'deferred', 'excluded', 'cancelled', 'expired', 'unknown',
                       'accepted', 'held', 'sent', 'failed', 'delivered', 'read', 'played')),
    reason         text,
    price_category text,
    price_type     text,
    PRIMARY KEY (id, bucket)
) PARTITION BY RANGE (id);
COMMENT ON COLUMN deliveries.ended_at IS 'when it was excluded, cancelled or expired';
COMMENT ON COLUMN deliveries.attempt_number IS 'the newest attempt that an answer or a report spoke of';
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX deliveries_profile ON deliveries (profile_id, id);
CREATE INDEX deliveries_owner ON deliveries (owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX deliveries_run ON deliveries (run_id) WHERE run_id IS NOT NULL;

-- The wide half, written once: what was asked for, what was rendered, what the policy saw when it was asked.
CREATE TABLE delivery_contents (
    delivery_id uuid NOT NULL,
    bucket      smallint NOT NULL,
    template    text,
    language    text,
    topic       text,
    evidence    text,
    reply_to    text,
    request     bytea NOT NULL,
    rendered    bytea,
    body        text,
    decision    bytea NOT NULL,
    PRIMARY KEY (delivery_id, bucket)
);
COMMENT ON COLUMN delivery_contents.request IS 'JSON: template and variables, or free content and context';
COMMENT ON COLUMN delivery_contents.rendered IS 'JSON of the channel-neutral content; NULL while a deferred delivery waits';
COMMENT ON COLUMN delivery_contents.body IS 'the text as the person sees it';
COMMENT ON COLUMN delivery_contents.decision IS 'JSON: ruleset, outcome, reason, and the fact that each rule looked at';

-- A key asks once: the same key again is the same delivery. Kept 400 days.
CREATE TABLE delivery_keys (
    workspace_id uuid NOT NULL,
    key          text COLLATE "C" NOT NULL,
    bucket       smallint NOT NULL,
    delivery_id  uuid NOT NULL,
    PRIMARY KEY (workspace_id, key, bucket)
);

-- What waits to leave. A claim deletes the row in the transaction that writes the attempt.
CREATE TABLE outbox (
    delivery_id    uuid NOT NULL,
    bucket         smallint NOT NULL,
    workspace_id   uuid NOT NULL,
    profile_id     uuid NOT NULL,
    sender_id      uuid NOT NULL,
    due_at         timestamptz NOT NULL,
    lane           smallint NOT NULL,
    attempt_number smallint NOT NULL DEFAULT 1,
    owner_kind     text NOT NULL,
    owner_id       uuid,
    PRIMARY KEY (delivery_id, bucket)
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX outbox_due ON outbox (sender_id, lane, due_at, bucket);

-- One call to a channel. Its id is the delivery's with the attempt's number in the second last byte, so that an
-- echoed id finds the delivery without a look-up.
CREATE TABLE attempts (
    id                  uuid NOT NULL,
    bucket              smallint NOT NULL,
    delivery_id         uuid NOT NULL,
    workspace_id        uuid NOT NULL,
    sender_id           uuid NOT NULL,
    number              smallint NOT NULL,
    state               text NOT NULL CHECK (state IN ('dispatched', 'unknown', 'answered', 'settled')),
    dispatched_at       timestamptz NOT NULL,
    lease_until         timestamptz NOT NULL,
    answered_at         timestamptz,
    told_at             timestamptz,
    is_parked           boolean NOT NULL DEFAULT false,
    result              text CHECK (result IN ('accepted', 'held', 'failed')),
    provider_message_id text,
    error_code          integer,
    error_title         text,
    error_details       text,
    reaction            text,
    decision            bytea NOT NULL,
    PRIMARY KEY (id, bucket)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
COMMENT ON COLUMN attempts.lease_until IS 'system clock: no answer by then means that the worker died';
COMMENT ON COLUMN attempts.told_at IS 'when the owner was told that the outcome stays unknown';
COMMENT ON COLUMN attempts.is_parked IS 'unknown and never sent again by itself: it waits for a person';
CREATE INDEX attempts_open ON attempts (dispatched_at) WHERE state IN ('dispatched', 'unknown');

-- The rate of a sender, from which workers lease up to a second's worth in a short transaction of their own.
CREATE TABLE sender_rates (
    sender_id     uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL,
    rate_per_s    real NOT NULL CHECK (rate_per_s > 0),
    ceiling_per_s real NOT NULL CHECK (ceiling_per_s > 0),
    is_active     boolean NOT NULL DEFAULT true,
    free_from     timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN sender_rates.free_from IS 'every permission before this moment (product clock) is given out';

-- Up to which dispatch the webhooks of a sender have settled attempts: proof that its reports arrive.
CREATE TABLE sender_settlements (
    sender_id  uuid PRIMARY KEY,
    settled_to timestamptz NOT NULL
) WITH (fillfactor = 50);

-- When the workers were last seen at work (system clock), and how long they were away before: reports about messages of
-- an outage come late, so unknown outcomes wait for twice that.
CREATE TABLE worker_pulses (
    name           text PRIMARY KEY,
    seen_at        timestamptz NOT NULL,
    outage_seconds real NOT NULL DEFAULT 0,
    outage_at      timestamptz
) WITH (fillfactor = 50);

-- One message per six seconds to one person, as a bucket: `free_from` moves six seconds with every message.
CREATE TABLE pairs (
    profile_id    uuid NOT NULL,
    sender_id     uuid NOT NULL,
    bucket        smallint NOT NULL,
    free_from     timestamptz NOT NULL,
    blocked_until timestamptz,
    strikes       smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (profile_id, sender_id, bucket)
) WITH (fillfactor = 70);

-- What weighs on a person: the row is locked while requests for them are decided.
CREATE TABLE pressure (
    profile_id      uuid NOT NULL,
    bucket          smallint NOT NULL,
    workspace_id    uuid NOT NULL,
    saturated_until timestamptz,
    saturations     smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (profile_id, bucket)
) WITH (fillfactor = 85);

-- A place under a cap, reserved for the planned moment and given back when the delivery ends without arriving.
CREATE TABLE pressure_marks (
    delivery_id uuid NOT NULL,
    bucket      smallint NOT NULL,
    profile_id  uuid NOT NULL,
    purpose     text NOT NULL,
    planned_at  timestamptz NOT NULL,
    PRIMARY KEY (delivery_id, bucket)
);
CREATE INDEX pressure_marks_profile ON pressure_marks (profile_id, planned_at);

-- What folders above want respected: for example marketing while a case is open.
CREATE TABLE delivery_holds (
    profile_id   uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    purpose      text NOT NULL,
    reason       text NOT NULL,
    held_until   timestamptz,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (profile_id, purpose, reason, bucket)
);

-- What a folder above says about all deliveries of an owner; looked at when they are claimed, so that stopping a
-- campaign rewrites no row of it.
CREATE TABLE owner_states (
    owner_id     uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    state        text NOT NULL CHECK (state IN ('paused', 'cancelled')),
    reason       text NOT NULL,
    changed_at   timestamptz NOT NULL
);

-- People whom a portfolio wrote to outside of a window in the last 24 hours.
CREATE TABLE portfolio_recipients (
    portfolio_id text NOT NULL,
    profile_id   uuid NOT NULL,
    bucket       smallint NOT NULL,
    delivery_id  uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (portfolio_id, profile_id, bucket)
);
CREATE INDEX portfolio_recipients_expiry ON portfolio_recipients (portfolio_id, expires_at);
CREATE INDEX portfolio_recipients_delivery ON portfolio_recipients (delivery_id);

-- Reports about messages that we do not know: counted, kept by their digest for a replay.
CREATE TABLE stray_statuses (
    key          uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    sender_id    uuid NOT NULL,
    status       text NOT NULL,
    payload      bytea NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (key, status, bucket)
);

-- One small row a message that arrived. `amount_micro` is millionths of the currency; NULL means "no rate".
CREATE TABLE costs (
    delivery_id  uuid NOT NULL,
    bucket       smallint NOT NULL,
    workspace_id uuid NOT NULL,
    profile_id   uuid NOT NULL,
    sender_id    uuid NOT NULL,
    category     text NOT NULL,
    type         text NOT NULL,
    market       text,
    amount_micro bigint,
    currency     text,
    charged_at   timestamptz NOT NULL,
    PRIMARY KEY (delivery_id, bucket)
);

-- Dated prices of a workspace. Built-in list rates apply where it has none of its own.
CREATE TABLE rate_cards (
    id             uuid PRIMARY KEY,
    workspace_id   uuid NOT NULL,
    name           text NOT NULL,
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    effective_from date NOT NULL,
    effective_to   date,
    rates          jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    UNIQUE (workspace_id, currency, effective_from)
);
