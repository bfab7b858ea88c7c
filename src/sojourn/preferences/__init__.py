"""Asks people to confirm a consent, reminds them once if told to, confirms changes that came without their message."""
