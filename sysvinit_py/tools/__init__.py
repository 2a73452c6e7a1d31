"""Programs around init: telinit, the sandbox, and more to come."""
