"""The rules, a module for each hundred of codes."""

from sysvinit_py.tools.lint import rule
from sysvinit_py.tools.lint.rules import (  # noqa: F401 - importing them is what defines the rules
    busybox,
    commands,
    exposed,
    files,
    programs,
    refused,
    runlevels,
    shell,
    terminals,
    text,
    whole,
)

#: Every rule by its code, in the order of the codes.
RULES = dict(sorted(rule.RULES.items()))
