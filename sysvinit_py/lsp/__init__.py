"""A language server for inittab files (docs/editors.rst): what the linter and its kin know, in an editor."""
