"""Examples out of a replay, and the models made of them: checked, and put to use."""
