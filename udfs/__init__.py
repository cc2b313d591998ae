"""What we decide: the pure core. No clock, no randomness, no network, no Flink."""
