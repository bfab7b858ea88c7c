"""Journeys: definitions, published versions, and the runs of people through them."""
