"""The definition: all steps in one process."""
