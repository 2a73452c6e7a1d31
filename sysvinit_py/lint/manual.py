"""The manual of the rules, out of their docstrings: for --explain, for --list-rules, and as a man page.

``python3 -m sysvinit_py.lint.manual`` prints the page, in reStructuredText; ``make man`` builds it.
"""

from __future__ import annotations

from sysvinit_py.lint.rule import GROUPS, Rule
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.targets import ALL
from sysvinit_py.value import Value

#: What stands in an example for what cannot be seen.
_INVISIBLE = {"<CR>": "\r", "<NUL>": "\0", "<blank>": " ", "<BOM>": "\ufeff"}


class Manual(Value):
    """What a rule's docstring says."""

    title: str
    why: str  # paragraphs, as written; may be empty
    bad: str  # the text of a file, with <CR> and the like
    good: str


def manual(rule: Rule) -> Manual:
    """Take a rule's docstring apart."""
    lines = (rule.check.__doc__ or "").strip().split("\n")
    text = "\n".join(line.removeprefix("    ") for line in lines)
    head, _, examples = text.partition("\nBad::\n")
    bad, _, good = examples.partition("\nGood::\n")
    title, _, why = head.partition("\n")
    return Manual(title, why.strip(), _dedented(bad), _dedented(good))


def summary(rule: Rule) -> str:
    """Return the title and the reasons, without examples, in one paragraph."""
    said = manual(rule)
    return " ".join(f"{said.title}\n{said.why}".replace("``", "").split())


def example(text: str) -> bytes:
    """Return the file that an example stands for."""
    for mark, character in _INVISIBLE.items():
        text = text.replace(mark, character)
    return text.removesuffix("<no newline>\n").encode() if "<no newline>" in text else text.encode()


def explain(rule: Rule) -> str:
    """Return the whole manual of one rule, for a terminal."""
    said = manual(rule)
    parts = [f"{rule.code} {rule.name} ({rule.severity})", said.title]
    if said.why:
        parts.append(said.why.replace("``", ""))
    parts += [f"Bad:\n\n{_indented(said.bad)}", f"Good:\n\n{_indented(said.good)}", _targets(rule)]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def address(rule: Rule) -> str:
    """Return where the rule's page is, as a URI: in the man page of all rules."""
    return f"man:inittab-lint-rules(7)#{rule.code}"


def listing() -> str:
    """Return a line for each rule."""
    width = max(len(rule.name) for rule in RULES.values())
    return "".join(
        f"{rule.code}  {rule.severity:7}  {rule.name:{width}}  {rule.title.replace('``', '')}\n"
        for rule in RULES.values()
    )


def page() -> str:
    """Return the manual of all rules: a man page, in reStructuredText."""
    shown = [_HEAD]
    for group, title in GROUPS.items():
        heading = f"{group}xx: {title}"
        shown.append(f"{heading}\n{'-' * len(heading)}\n")
        shown += [_section(rule) for rule in RULES.values() if rule.code.startswith(group)]
    return "\n".join([*shown, _FOOT])


_HEAD = """\
==================
inittab-lint-rules
==================

-------------------------------
what inittab-lint looks for
-------------------------------

:Manual section: 7

SYNOPSIS
========

**inittab-lint** **--explain** *RULE*

DESCRIPTION
===========

These are the rules of **inittab-lint**\\(1), with what each is about, and a bad and a good example. Errors
are what init refuses, reports or never reads; warnings what it accepts and nobody meant; infos are worth
knowing. In the examples <CR>, <NUL>, <BOM>, <blank> and <no newline> stand for what cannot be seen.
"""

_FOOT = """\
SEE ALSO
========

**inittab-lint**\\(1), **inittab**\\(5)
"""


def _section(rule: Rule) -> str:
    said = manual(rule)
    heading = f"{rule.code} {rule.name}"
    parts = [f"{heading}\n{'~' * len(heading)}", f"*{rule.severity}.* {said.title}"]
    parts += [
        said.why,
        f"Bad::\n\n{_indented(said.bad)}",
        f"Good::\n\n{_indented(said.good)}",
        _targets(rule),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _targets(rule: Rule) -> str:
    """Which inits it is about, if not all."""
    if not rule.targets:
        return "For service folders."
    about = "" if len(rule.targets) == len(ALL) else f"Only for {', '.join(t.name for t in rule.targets)}. "
    return (about + ("Needs --root." if rule.needs_root else "")).strip()


def _dedented(text: str) -> str:
    lines = text.strip("\n").rstrip().split("\n")
    return "".join(line.removeprefix("    ") + "\n" for line in lines)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in text.split("\n")[:-1])


if __name__ == "__main__":
    print(page(), end="")
