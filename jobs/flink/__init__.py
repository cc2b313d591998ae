"""Flink: settings, state, keys, what is submitted."""
