"""Text to typed entries and problems."""
