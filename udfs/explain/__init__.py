"""Why it was decided so."""
