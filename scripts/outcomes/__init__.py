"""What came of decisions: read, added up, written to a file."""
