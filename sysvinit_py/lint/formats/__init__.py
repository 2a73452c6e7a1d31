"""The output formats, a module each: ``render(findings) -> str``. Imported only when asked for."""

from __future__ import annotations

FORMATS = ("text", "gcc", "json", "sarif", "github")
