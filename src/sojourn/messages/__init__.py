"""The ledger of what was said, in and out, and the service window that follows from it."""
