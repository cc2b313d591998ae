"""The endpoints of the Decision API, by what they are about."""
