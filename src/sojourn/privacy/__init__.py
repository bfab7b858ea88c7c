"""Retention classes in one place, the nightly deletion, and the erasure of a person over all folders."""
