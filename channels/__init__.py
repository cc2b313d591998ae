"""Who reads decisions: the store writer."""
