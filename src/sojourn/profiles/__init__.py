"""People: their addresses, attributes, merges, and what erasing leaves."""
