"""A world to test in: people who react to what they are shown."""
