"""The Graph side: what a business calls."""
