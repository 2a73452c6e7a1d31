"""What runs, as people and programs are told it: states, items, and the bytes that init publishes."""
