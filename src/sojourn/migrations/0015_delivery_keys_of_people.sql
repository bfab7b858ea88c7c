-- A key belongs to a person: it was unique for everybody whose ids end in the same byte.
ALTER TABLE delivery_keys ADD COLUMN profile_id uuid;
UPDATE delivery_keys k
   SET profile_id = d.profile_id
  FROM deliveries d
 WHERE d.id = k.delivery_id AND d.bucket = k.bucket;
DELETE FROM delivery_keys WHERE profile_id IS NULL;
ALTER TABLE delivery_keys
    ALTER COLUMN profile_id SET NOT NULL,
    DROP CONSTRAINT delivery_keys_pkey,
    ADD PRIMARY KEY (workspace_id, key, profile_id, bucket);
