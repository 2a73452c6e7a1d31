"""The build: the one file that is init and telinit, and the text that goes into it; the manual pages."""
