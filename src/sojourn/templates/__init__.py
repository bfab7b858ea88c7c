"""Approved message forms: languages, variables, rendering, and agreement with the provider."""
