"""Programs that talk to init: telinit."""
