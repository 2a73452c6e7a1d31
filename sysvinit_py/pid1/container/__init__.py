"""Init in a container (``init --container``), built on the same machine and loop."""
