"""What is kept of a session and a person, and what they tell each other."""
