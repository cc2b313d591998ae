"""The embedded stack: real Kafka and Valkey as children of this process, no root, no containers."""
