"""A chat with two rooms in the terminal."""
