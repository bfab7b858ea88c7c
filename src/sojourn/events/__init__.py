"""Facts about profiles: taken in durably, once, in our own shape and in Segment's."""
