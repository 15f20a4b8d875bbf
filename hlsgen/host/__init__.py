"""The host's side of a board: the link to it, what runs on it, and a board that is simulated."""
