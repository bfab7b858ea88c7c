"""Retention and erasure over every folder that holds personal data; the folders do the deleting, this one conducts."""
