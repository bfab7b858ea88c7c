"""Sojourn: a self-hosted engine for customer journeys in which WhatsApp is the first channel."""

VERSION = "0.1.0"
