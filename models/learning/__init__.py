"""How models are made of examples."""
