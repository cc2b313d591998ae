"""The session: what its events add up to."""
