"""What an event's sender did not say and a program can know of it: device, system and browser, what led here, country and city."""
