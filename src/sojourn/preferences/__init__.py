"""Asks people to confirm a consent, reminds them once if told to, and confirms changes that came without a message of theirs."""
