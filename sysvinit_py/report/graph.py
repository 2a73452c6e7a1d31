"""The order of start as a graph, for graphviz and Mermaid, and as a table of levels."""

from __future__ import annotations

from sysvinit_py.machine.stages import BOOT, ENTERABLE, SINGLE_USER, SYSINIT
from sysvinit_py.report.explain import levels
from sysvinit_py.report.order import STAGE_NAMES, STAGES
from sysvinit_py.text import printable
from sysvinit_py.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.entry import Entry
    from sysvinit_py.report.order import Order

#: As much of a command is shown.
_COMMAND = 50


class Node(Value):
    """A box; its name is of letters and digits."""

    name: str
    lines: tuple[str, ...]
    is_entry: bool = True


class Edge(Value):
    """An arrow: what it leads to comes when the other has ended; dashed: on an event, or by request."""

    start: Node
    end: Node
    label: str = ""  # of a dashed one


class Group(Value):
    """The boxes of a stage, or of several levels with the same entries."""

    title: str
    nodes: tuple[Node, ...]


class Graph(Value):
    """Boxes in groups, and arrows."""

    groups: tuple[Group, ...]
    edges: tuple[Edge, ...]


class _Maker:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._number = 0
        self.groups: list[Group] = []
        self.edges: list[Edge] = []

    def node(self, *lines: str, is_entry: bool = False) -> Node:
        self._number += 1
        return Node(f"n{self._number}", lines, is_entry)

    def entry(self, entry: Entry) -> Node:
        command = entry.command
        shown = command if len(command) <= _COMMAND else f"{command[: _COMMAND - 1]}\u2026"
        return self.node(f"{entry.id}  {entry.action}", shown, is_entry=True)

    def stages(self) -> None:
        """Draw sysinit and boot, and the levels, which come after them."""
        same: dict[tuple[int, ...], str] = {}
        for stage in STAGES[2:]:
            if turns := tuple(id(turn.entry) for turn in self._order.turns[stage]):
                same[turns] = same.get(turns, "") + stage
        default = ENTERABLE.get(self._order.default, "")
        _, sysinit = self.stage(SYSINIT, "")
        end = sysinit
        if self._order.turns[BOOT]:
            start, end = self.stage(BOOT, "")
            self.edges.append(Edge(sysinit, start))
        for named in same.values():
            start, _ = self.stage(named[0], named)
            is_default = default and default in named
            after = sysinit if is_default and default == SINGLE_USER else end
            self.edges.append(Edge(after, start, "" if is_default else "telinit"))

    def stage(self, stage: str, named: str) -> tuple[Node, Node]:
        """Draw a stage; return its beginning, and what has to end before it is over."""
        title = STAGE_NAMES.get(stage) or levels(named)
        start = end = self.node(title)
        nodes = [start]
        for turn in self._order.turns[stage]:
            nodes.append(self.entry(turn.entry))
            self.edges.append(Edge(end, nodes[-1]))
            end = nodes[-1] if turn.entry.rule.waited else end
        self.groups.append(Group(title, tuple(nodes)))
        return start, end

    def requests(self) -> None:
        """Draw events, and the requests for a, b and c, with what they start."""
        nodes: list[Node] = []
        ways: dict[str, Node] = {}
        for entry in self._order.entries:
            for way in also(entry, self._order):
                if way not in ways:
                    ways[way] = self.node(way)
                    nodes.append(ways[way])
                nodes.append(self.entry(entry))
                there = self._order.on_event(entry) or STAGES[3:]
                self.edges.append(Edge(ways[way], nodes[-1], f"in {levels(there)}"))
        if nodes:
            self.groups.append(Group("events and requests", tuple(nodes)))


def graph(order: Order) -> Graph:
    """Return the order as a graph. What is never started is not in it."""
    maker = _Maker(order)
    maker.stages()
    maker.requests()
    return Graph(tuple(maker.groups), tuple(maker.edges))


def also(entry: Entry, order: Order) -> list[str]:
    """Return what else than the entering of a level starts it."""
    if order.on_event(entry):
        return [entry.rule.event]
    return [f"telinit {letter}" for letter in order.letters(entry)]


def dot(drawn: Graph) -> str:
    """Return a graph for graphviz."""
    lines = ["digraph inittab {", "  rankdir=LR", "  node [shape=box]"]
    for number, group in enumerate(drawn.groups):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_dot(group.title)}"]
        for node in group.nodes:
            label = _dot("\n".join(node.lines))
            lines.append(f"    {node.name} [label={label}{'' if node.is_entry else ', shape=ellipse'}]")
        lines.append("  }")
    for edge in drawn.edges:
        style = f" [style=dashed, label={_dot(edge.label)}]" if edge.label else ""
        lines.append(f"  {edge.start.name} -> {edge.end.name}{style}")
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    """Return text as a quoted string, in which a backslash, and an entity of HTML, have a meaning."""
    shown = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(shown).replace("&", "&amp;") + '"'


def mermaid(drawn: Graph) -> str:
    """Return a flowchart for Mermaid."""
    lines = ["flowchart LR"]
    for number, group in enumerate(drawn.groups):
        lines.append(f'  subgraph g{number}["{_mermaid(group.title)}"]')
        for node in group.nodes:
            label = "<br>".join(map(_mermaid, node.lines))
            lines.append(f'    {node.name}["{label}"]' if node.is_entry else f'    {node.name}(["{label}"])')
        lines.append("  end")
    for edge in drawn.edges:
        arrow = f'-.->|"{_mermaid(edge.label)}"|' if edge.label else "-->"
        lines.append(f"  {edge.start.name} {arrow} {edge.end.name}")
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """Return text in which only letters, digits and spaces stand for themselves: all else has a meaning."""
    if text.isascii() and text.isalnum():
        return text
    plain = (c if c == " " or (c.isascii() and c.isalnum()) else f"#{ord(c)};" for c in printable(text))
    return "".join(plain)


def matrix(order: Order) -> Iterator[list[str]]:
    """Yield a header, and a row for each entry: in which stages it is started, and on which events."""
    yield ["ID", "ACTION", *STAGES, "ALSO", "WAITED", "COMMAND"]
    for entry in order.entries:
        cells = dict.fromkeys(order.on_event(entry), "e")
        cells |= dict.fromkeys((turn.stage for turn in order.turns_of(entry)), "x")
        waited = "-" if order.never(entry) else "yes" if entry.rule.waited else "no"
        yield [
            entry.id, entry.action, *(cells.get(stage, ".") for stage in STAGES),
            ", ".join(also(entry, order)) or "-", waited, entry.command or "-",
        ]  # fmt: skip
