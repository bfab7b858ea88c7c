"""The scripting API under /sim."""
