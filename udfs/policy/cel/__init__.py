"""The language of conditions: text → tree (`parse.py`) → checked parts (`check_*.py`) → closures (`closures.py`)."""
