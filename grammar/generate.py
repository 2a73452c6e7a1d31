"""Make sysvinit_py/inittab/_grammar.py, the parser that ships: ``python grammar/generate.py``.

It is what ``python -m lark.tools.standalone inittab.lark`` makes, except that the tables are put in order:
lark numbers the parser's states as they come out of sets, anew in every run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lark import Lark
from lark.tools.standalone import gen_standalone

GRAMMAR = Path(__file__).with_name("inittab.lark")
PARSER = GRAMMAR.parents[1] / "sysvinit_py" / "inittab" / "_grammar.py"

MAX_WIDTH = 2**32 - 1
SHIFT = 0  # in a parse table: go to a state; the other step is to reduce by a rule


class OrderedLark(Lark):
    """A lark whose serialised form is the same in every run."""

    def memo_serialize(self, types_to_memoize: Any) -> Any:
        """Return lark's own answer, its parse table put in order."""
        data, memo = super().memo_serialize(types_to_memoize)
        data["parser"]["parser"] = ordered(data["parser"]["parser"])
        for terminal in memo.values():
            bound(terminal)
        return data, memo


def bound(serialized: Any) -> None:
    """Give patterns without a longest match the width that every Python takes; 3.11.7 has raised its own."""
    width = serialized.get("pattern", {}).get("_width")
    if width and width[1] >= MAX_WIDTH:
        width[1] = MAX_WIDTH


def ordered(table: dict[str, Any]) -> dict[str, Any]:
    """Number tokens by their names, and states as they are reached from the start, by the tokens' order."""
    names = sorted(table["tokens"].values())
    steps_of = {
        state: sorted((names.index(table["tokens"][token]), step) for token, step in steps.items())
        for state, steps in table["states"].items()
    }
    reached = list(table["start_states"].values())
    for state in reached:
        for _, (kind, target) in steps_of[state]:
            if kind == SHIFT and target not in reached:
                reached.append(target)

    def renumbered(kind: int, target: Any) -> tuple[int, Any]:
        return kind, reached.index(target) if kind == SHIFT else target

    return {
        "tokens": dict(enumerate(names)),
        "states": {
            number: {token: renumbered(*step) for token, step in steps_of[state]}
            for number, state in enumerate(reached)
        },
        "start_states": {name: reached.index(state) for name, state in table["start_states"].items()},
        "end_states": {name: reached.index(state) for name, state in table["end_states"].items()},
    }


def parser_source() -> str:
    """The text of the parser module."""
    parts = ["# Made from grammar/inittab.lark by grammar/generate.py: change these, not this file."]
    lark = OrderedLark(GRAMMAR.read_text(), parser="lalr", lexer="contextual")
    gen_standalone(lark, output=lambda part="": parts.append(str(part)))  # type: ignore[no-untyped-call]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PARSER.write_text(parser_source())
