"""Files of events and items."""
