-- Whether a person chose the rate of a sender, or it follows what the provider allows.
ALTER TABLE senders ADD COLUMN throughput_is_chosen boolean NOT NULL DEFAULT false;
UPDATE senders SET throughput_is_chosen = true WHERE throughput_per_s NOT IN (70, 1000);

-- Reports that came before their message was known are looked at again, the latest ones.
CREATE INDEX stray_statuses_received ON stray_statuses (received_at);
