"""Which items a slate holds."""
