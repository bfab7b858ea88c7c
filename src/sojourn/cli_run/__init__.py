"""What `sojourn run` does: one command that starts everything and leaves nothing running."""
