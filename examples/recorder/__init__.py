"""A recorder of any hub's stream, and a hub with a stream to try it on."""
