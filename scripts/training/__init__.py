"""Models trained, measured and described."""
