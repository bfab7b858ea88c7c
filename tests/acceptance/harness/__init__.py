"""Starts the whole product as separate programs, and moves its time. Imports nothing of it."""
