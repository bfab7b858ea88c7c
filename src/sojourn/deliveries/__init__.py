"""The road out: every message of every origin is requested, decided, sent and followed here."""
