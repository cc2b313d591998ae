"""What all people share: the catalogue, statistics and policies, as of a time."""
