"""The Decision API: every channel's way in."""
