"""Keys, tokens, pseudonyms."""
