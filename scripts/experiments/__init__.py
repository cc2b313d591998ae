"""What proves that a decision was a good one: estimates from logs of decisions."""
