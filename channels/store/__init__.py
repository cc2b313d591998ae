"""Decisions in the store, where channels read them."""
