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
