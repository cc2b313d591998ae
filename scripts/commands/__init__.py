"""The commands' words and options."""
