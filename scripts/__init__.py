"""What a person types: the `kairos` command line."""
