"""What happened, read from any table; writes none."""
