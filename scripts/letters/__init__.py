"""Dead letters: found, mended, and sent again through the front door."""
