"""What people may ask for: to be forgotten, and to see what is held of them."""
