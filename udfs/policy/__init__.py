"""What marketers wrote, as the engine runs it."""
