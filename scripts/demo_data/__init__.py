"""Data that comes with the project, and how it was made."""
