"""What proves that a decision was a good one: experiments and their verdicts, and estimates from logs of decisions."""
