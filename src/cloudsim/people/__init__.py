"""Scripted people: what they receive, and what they do."""
