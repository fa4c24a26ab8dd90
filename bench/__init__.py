"""Load generator, floor, yardstick and table: see `python -m bench --help`."""
