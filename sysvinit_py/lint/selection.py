"""How rules are named: by code, by the beginning of codes, by name."""

from __future__ import annotations

from sysvinit_py.cli.options import UsageError
from sysvinit_py.lint.finding import printable
from sysvinit_py.lint.rules import RULES


def code_of(word: str) -> str:
    """Return the code of the rule with this code or name; empty if unknown."""
    if word.upper() in RULES:
        return word.upper()
    return next((rule.code for rule in RULES.values() if rule.name == word.lower()), "")


def known_code(word: str) -> str:
    """Return the code of the rule with this code or name. Raises UsageError if unknown."""
    code = code_of(word)
    if not code:
        raise UsageError(f"unknown rule {printable(word)} (inittab-lint --list-rules lists all)")
    return code


def codes_of(words: str) -> frozenset[str]:
    """Return the codes that a list of codes, beginnings of codes and names stands for. Raises UsageError."""
    codes: set[str] = set()
    for word in words.replace(",", " ").split():
        begun = {code for code in RULES if code.startswith(word.upper())}
        codes |= begun or {known_code(word)}
    return frozenset(codes)


def chosen(select: str, ignore: str) -> frozenset[str]:
    """Return the codes of the rules to run: all, or those selected, but those ignored. Raises UsageError."""
    selected = codes_of(select) if select else frozenset(RULES)
    return selected - codes_of(ignore)
