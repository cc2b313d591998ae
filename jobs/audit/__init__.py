"""What was decided, computed again."""
