-- What any product has: jobs, their dead letters, periodic jobs.

CREATE TABLE jobs (
    id uuid NOT NULL,
    bucket smallint NOT NULL,
    handler text NOT NULL,
    ordering_key text,
    priority smallint NOT NULL DEFAULT 100,
    due_at timestamptz NOT NULL,
    retry_at timestamptz,
    lease_until timestamptz,
    attempts smallint NOT NULL DEFAULT 0,
    last_error text,
    workspace_id uuid,
    profile_id uuid,
    payload bytea NOT NULL,
    PRIMARY KEY (id, bucket)
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON COLUMN jobs.due_at IS 'not before this moment of the product clock';
COMMENT ON COLUMN jobs.retry_at IS 'not before this moment of the system clock: backoff after a failure';
COMMENT ON COLUMN jobs.lease_until IS 'a leased handler is at work until this moment of the system clock';

CREATE INDEX jobs_due ON jobs (handler, priority, due_at, id);
CREATE INDEX jobs_key ON jobs (handler, ordering_key, id) WHERE ordering_key IS NOT NULL;
CREATE INDEX jobs_profile ON jobs (profile_id) WHERE profile_id IS NOT NULL;

CREATE TABLE dead_jobs (
    id uuid NOT NULL,
    bucket smallint NOT NULL,
    handler text NOT NULL,
    ordering_key text,
    priority smallint NOT NULL,
    attempts smallint NOT NULL,
    reason text NOT NULL,
    workspace_id uuid,
    profile_id uuid,
    payload bytea NOT NULL,
    died_at timestamptz NOT NULL,
    PRIMARY KEY (id, bucket)
);
CREATE INDEX dead_jobs_handler ON dead_jobs (handler, died_at);
CREATE INDEX dead_jobs_profile ON dead_jobs (profile_id) WHERE profile_id IS NOT NULL;

CREATE TABLE periodic_jobs (
    name text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    lease_until timestamptz,
    last_error text
);
COMMENT ON COLUMN periodic_jobs.next_at IS 'product clock; a missed periodic job fires once';
