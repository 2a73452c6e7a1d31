"""Init in a container (``init --container``): other parts around the same machine and loop."""
