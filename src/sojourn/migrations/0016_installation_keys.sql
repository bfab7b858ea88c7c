-- Which installation keys this database was written under, so that a lost or wrong key is noticed before it is used.

-- `check_value` is an HMAC of a constant under the key: it tells a key, and tells nothing about it. Null: the key is
-- known by its id only, from what it sealed, until a process that has it fills the value in.
CREATE TABLE installation_keys (
    key_id        bytea PRIMARY KEY CHECK (octet_length(key_id) = 4),
    check_value   bytea CHECK (octet_length(check_value) = 32),
    makes_hashes  boolean NOT NULL DEFAULT false,
    remembered_at timestamptz
);
CREATE UNIQUE INDEX installation_keys_hashing ON installation_keys (makes_hashes) WHERE makes_hashes;
COMMENT ON COLUMN installation_keys.makes_hashes IS 'the oldest key: keyed hashes (tombstones, suppressions) hang on it';

-- Bytes 2 to 5 of an envelope are the id of its key.
INSERT INTO installation_keys (key_id)
SELECT substring(wrapped FROM 2 FOR 4) FROM profile_keys
UNION
SELECT substring(app_secret FROM 2 FOR 4) FROM webhook_apps
UNION
SELECT substring(access_token FROM 2 FOR 4) FROM sender_credentials;
