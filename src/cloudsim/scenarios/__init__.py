"""Faults and exact outcomes, for tests."""
