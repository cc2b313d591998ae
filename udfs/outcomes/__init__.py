"""What came of decisions."""
