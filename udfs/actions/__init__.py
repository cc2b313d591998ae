"""Which action is taken."""
