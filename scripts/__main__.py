"""`python -m scripts`: the `kairos` command line."""

from scripts.cli import main

main()
