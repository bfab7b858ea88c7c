"""Commands that look after an installation: its schema, its keys, its jobs."""
