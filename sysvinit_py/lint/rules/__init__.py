"""The rules, a module for each subject."""

from sysvinit_py.lint import rule
from sysvinit_py.lint.rules import (  # noqa: F401 - importing them is what defines the rules
    busybox,
    commands,
    completeness,
    containers,
    executables,
    exposed,
    files,
    options,
    runlevels,
    services,
    shell,
    syntax,
    terminals,
    text,
)

#: Every rule by its code, in the order of the codes.
RULES = dict(sorted(rule.RULES.items()))
