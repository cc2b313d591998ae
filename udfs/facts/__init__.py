"""What is known of a person, a visit and a candidate, for rules and rankers alike."""
