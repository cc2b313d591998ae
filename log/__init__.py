"""The log: one way to reach Kafka, to follow it, and to put aside what cannot be used. Under jobs and channels."""
