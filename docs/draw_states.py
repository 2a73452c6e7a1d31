"""Draw docs/states.svg from the machine's tables: ``python docs/draw_states.py`` (needs graphviz).

docs/states.dot is what the tables say; tests/unit/machine/test_machine_picture.py compares it with them, and
the picture with it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sysvinit_py.machine import stages
from sysvinit_py.report import states

DOT = Path(__file__).with_name("states.dot")
SVG = DOT.with_suffix(".svg")

STAGES = {
    stages.SYSINIT: "sysinit\\n(#)",
    stages.BOOT: "boot\\n(*)",
    stages.SINGLE_USER: "S",
    stages.LEVEL: "0 to 9",
}
ASK, CHOICE = "ask", "choice"
LEVELS = {stages.SINGLE_USER: "S", stages.LEVEL: "0 to 9"}
BOOTED = {False: ", boot entries have not run", True: ", boot entries have run"}


def edge(start: str, end: str, label: str = "", style: str = "solid") -> str:
    """Return an arrow."""
    return f'  "{start}" -> "{end}" [label="{label}", style={style}]'


def stage_edges() -> Iterator[str]:
    """The ways from stage to stage: solid when a stage is over, dashed on request."""
    for stage, follows in stages.OVER.items():
        if follows == stages.CHOOSE:
            yield edge(stage, CHOICE, "is over")
        elif follows == stages.TARGET:
            yield edge(stage, stages.LEVEL, "is over")
        else:
            yield edge(stage, stage, "is over, and stays")
    same = {level: stages.CHOSEN[level, False] == stages.CHOSEN[level, True] for level, _ in stages.CHOSEN}
    for (level, booted), stage in stages.CHOSEN.items():
        if not (same[level] and booted):
            yield edge(CHOICE, stage, LEVELS[level] + ("" if same[level] else BOOTED[booted]))
    yield edge(CHOICE, ASK, "none, or no such level")
    yield edge(ASK, CHOICE, "an answer")
    yield edge(ASK, stages.SINGLE_USER, "no console")
    for level in LEVELS:
        yield edge("request", level, f"telinit {LEVELS[level]}", "dashed")


def state_edges() -> Iterator[str]:
    """From each verdict to the words for it."""
    for row in states.CASES:
        yield edge(f"verdict {row.verdict}", f"state {row.word}", row.condition)


def picture() -> str:
    """Return the text of states.dot."""
    verdicts = dict.fromkeys(row.verdict for row in states.CASES)
    words = dict.fromkeys(row.word for row in states.CASES)
    lines = [
        "// Made from the machine's tables by docs/draw_states.py: change these, not this file.",
        "digraph states {",
        '  graph [rankdir=LR, fontname="sans-serif"]',
        '  node [shape=box, style=rounded, fontname="sans-serif"]',
        '  edge [fontname="sans-serif", fontsize=10]',
        '  start [shape=point, label=""]',
        '  request [shape=plaintext, label="a request,\\nin any stage"]',
        f'  {CHOICE} [style=solid, label="which level: the kernel\'s\\nargument, else initdefault"]',
        f'  {ASK} [style=solid, label="Enter runlevel:"]',
        *(f'  "{stage}" [label="{label}"]' for stage, label in STAGES.items()),
        edge("start", stages.SYSINIT, "power on"),
        *stage_edges(),
        *(f'  "verdict {verdict}" [shape=plaintext, label="{verdict}"]' for verdict in verdicts),
        *(f'  "state {word}" [label="{word}"]' for word in words),
        *state_edges(),
        "}",
    ]
    return "\n".join(lines) + "\n"


def mark(dot: str) -> str:
    """Return the line of the drawing that says what it was drawn from."""
    return f"<!-- states.dot {sha256(dot.encode()).hexdigest()} -->"


if __name__ == "__main__":
    DOT.write_text(picture())
    drawing = subprocess.run(["dot", "-Tsvg", DOT], capture_output=True, text=True, check=True).stdout
    SVG.write_text(drawing.replace("<svg", f"{mark(picture())}\n<svg", 1))
