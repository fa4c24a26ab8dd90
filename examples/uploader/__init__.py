"""Uploads of files with their progress, and a hub that takes them."""
