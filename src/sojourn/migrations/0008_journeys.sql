-- Journeys: definitions and their versions; runs of people through them, and the steps they took.

CREATE TABLE journeys (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL,
    key             text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_-]{0,63}$'),
    name            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('draft', 'in_review', 'scheduled', 'live', 'paused', 'closing', 'stopped',
                                                   'finished', 'archived')),
    draft           jsonb,
    live_version_id uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (workspace_id, key)
);
COMMENT ON COLUMN journeys.draft IS 'the definition as it was last saved and not yet published';

-- Published definitions; a row never changes. Runs stay in the version in which they began.
CREATE TABLE journey_versions (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    journey_id   uuid NOT NULL REFERENCES journeys (id) ON DELETE CASCADE,
    number       integer NOT NULL,
    definition   jsonb NOT NULL,
    digest       bytea NOT NULL,
    triggers     text[] NOT NULL,
    listens      text[] NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    UNIQUE (journey_id, number)
);
CREATE INDEX journey_versions_workspace ON journey_versions (workspace_id);
COMMENT ON COLUMN journey_versions.triggers IS 'names of the events that start a run';
COMMENT ON COLUMN journey_versions.listens IS 'names of the events that some wait of this version wants';

CREATE TABLE runs (
    id            uuid NOT NULL,
    bucket        smallint NOT NULL CHECK (bucket = get_byte(uuid_send(id), 15)),
    workspace_id  uuid NOT NULL,
    journey_id    uuid NOT NULL,
    version_id    uuid NOT NULL,
    profile_id    uuid NOT NULL,
    run_key       text NOT NULL,
    parent_run_id uuid,
    branch        text NOT NULL DEFAULT '',
    state         text NOT NULL CHECK (state IN ('waiting', 'held', 'finished', 'error', 'cancelled')),
    node          text NOT NULL,
    seq           integer NOT NULL,
    entered_at    timestamptz NOT NULL,
    due_at        timestamptz,
    memory        jsonb NOT NULL DEFAULT '{}',
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    exit_reason   text,
    PRIMARY KEY (id, bucket),
    CHECK ((state IN ('waiting', 'held')) = (ended_at IS NULL))
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 50000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 200000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON COLUMN runs.seq IS 'number of the node visit that is open; steps hold those before it';
COMMENT ON COLUMN runs.memory IS 'variables, latest event and answer, messages sent, and what came early';

-- Also how an event finds the open runs of its person.
CREATE UNIQUE INDEX runs_open ON runs (profile_id, journey_id, run_key, branch, bucket) WHERE ended_at IS NULL;
CREATE INDEX runs_ended ON runs (profile_id) WHERE ended_at IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at, bucket) WHERE state = 'waiting' AND due_at IS NOT NULL;
CREATE INDEX runs_journey ON runs (journey_id, id);

-- One row a finished visit to a node. Written once, never changed.
CREATE TABLE steps (
    run_id       uuid NOT NULL,
    bucket       smallint NOT NULL,
    seq          integer NOT NULL,
    workspace_id uuid NOT NULL,
    node         text NOT NULL,
    kind         text NOT NULL,
    entered_at   timestamptz NOT NULL,
    left_at      timestamptz NOT NULL,
    exit         text NOT NULL,
    cause        uuid,
    detail       jsonb,
    PRIMARY KEY (run_id, bucket, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000);
COMMENT ON COLUMN steps.cause IS 'the event or answer that ended the visit; the same one never counts twice for a run';
