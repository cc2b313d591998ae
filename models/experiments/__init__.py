"""What the figures of an experiment say: statistics over sums that a stream can keep, and a verdict in words."""
