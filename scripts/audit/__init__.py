"""Decisions looked at and verified."""
