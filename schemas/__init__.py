"""What crosses a boundary: wire records, state, knowledge, topics and their codec."""

CODE_VERSION = "0.1.0"
"""Named by every decision; raised with each release and with each change of the core."""
