"""What a rule is, and the list of all of them.

A rule is a function from an inittab to matches. Its docstring is its manual: the first line says what is
found, then why it matters, then a bad and a good example. ``--explain``, ``--list-rules`` and the manual
are made of it, and the examples are run as tests. In them <CR>, <NUL>, <BOM>, <blank> and <no newline> stand
for what cannot be seen.
"""

from __future__ import annotations

from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from sysvinit_py.lint.finding import Match
    from sysvinit_py.lint.targets import Target

    Check = Callable[[Any], Iterator[Match]]  # of an Inittab, or of Services

#: What the hundreds of a code mean.
GROUPS = {
    "INT0": "Files and the linter itself",
    "INT1": "Lines that init refuses or never reads",
    "INT2": "Runlevels and actions",
    "INT3": "Terminals",
    "INT4": "Commands",
    "INT5": "Words and the shell",
    "INT6": "Text",
    "INT7": "BusyBox",
    "INT8": "Options in comments",
    "INT9": "Containers",
    "SVC0": "Service folders",
}


class Rule(Value):
    """A rule: what it is called, how bad it is, and the function that finds it."""

    code: str
    name: str
    severity: str
    check: Check
    targets: tuple[Target, ...]  # the inits that it is about, the first is that of the examples; none: runsv
    example: str  # the path of the file that the examples are the text of
    needs_root: bool  # finds something only with --root

    @property
    def title(self) -> str:
        """What it finds, in a sentence."""
        return (self.check.__doc__ or "").partition("\n")[0].strip()


#: Every rule by its code, as they are defined; rules/__init__.py has them in order.
RULES: dict[str, Rule] = {}


def rule(
    code: str,
    name: str,
    severity: str,
    targets: tuple[Target, ...],
    *,
    example: str = "etc/inittab",
    needs_root: bool = False,
) -> Callable[[Check], Check]:
    """Make a rule of a function."""

    def register(check: Check) -> Check:
        assert code not in RULES, code
        RULES[code] = Rule(code, name, severity, check, targets, example, needs_root)
        return check

    return register
