"""What the simulator posts to a business: bodies, signatures, retries."""
