"""Mappings: how records of others become events, as data."""
