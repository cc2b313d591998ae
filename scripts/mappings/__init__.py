"""Mappings: how JSON of others becomes events, as a file: read, applied, tried, and proposed from a sample."""
