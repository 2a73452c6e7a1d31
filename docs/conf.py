"""Settings of Sphinx (``make docs``). Links are written for GitHub; here they are rewritten for the site."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = "sysvinit_py"
author = copyright = "the authors of sysvinit_py"
html_theme = "alabaster"
nitpicky = True
#: Links that leave docs/, such as those to CONTRIBUTING.rst, work on GitHub and in a clone.
PAGE = re.compile(r"(?!\.\./\.\./|[a-z]+:)(.+)\.rst(#.*)?$")


def link_pages(_app: Any, document: nodes.document) -> None:
    """Make of a link to a page's source one to the page."""
    for link in document.findall(nodes.reference):
        if match := PAGE.match(link.get("refuri", "")):
            link["refuri"] = f"{match[1]}.html{match[2] or ''}"


def setup(app: Any) -> None:
    """Be called by Sphinx."""
    app.connect("doctree-read", link_pages)
