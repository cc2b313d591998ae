"""The console: what is live, how it goes, what was decided and why; for those who run it."""
