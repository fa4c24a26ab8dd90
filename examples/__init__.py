"""Programs to begin with: a folder each, named by what it does. Each says in its first lines how it is run."""
