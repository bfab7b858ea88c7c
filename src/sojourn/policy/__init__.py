"""What may be sent now, to whom, and why not. Pure: facts in, decisions out."""
