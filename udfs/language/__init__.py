"""Texts: what people wrote, and what they read."""
