"""Tenants: their settings, the keys that open their API, and the trail of what was changed by hand."""
