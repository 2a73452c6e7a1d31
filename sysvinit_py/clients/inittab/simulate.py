"""inittab simulate: what an inittab does, without booting it."""

from __future__ import annotations

import sys

from sysvinit_py.cli import out
from sysvinit_py.cli.options import RefusedError, UsageError
from sysvinit_py.clients.inittab.files import sources_of
from sysvinit_py.clients.inittab.history import event_json, said
from sysvinit_py.inittab.read import interpret
from sysvinit_py.inittab.sources import MAX_BYTES, Source
from sysvinit_py.linux.beneath import named_file
from sysvinit_py.report.item import FORM, how_it_ended, marked
from sysvinit_py.simulator import language
from sysvinit_py.simulator.explore import Explorer, regression
from sysvinit_py.simulator.life import MESSAGE, SIGNAL, STEP, default, simulate
from sysvinit_py.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sysvinit_py.cli.options import Values
    from sysvinit_py.inittab.entry import Entry, Reading
    from sysvinit_py.linux.beneath import Place
    from sysvinit_py.report.history import Event
    from sysvinit_py.simulator.differ import Difference
    from sysvinit_py.simulator.explore import Finding
    from sysvinit_py.simulator.language import Line, Scenario
    from sysvinit_py.simulator.life import Life

NAME = "inittab simulate"
_DIFFER = "sysvinit_py.simulator.differ"
_COLOURS = {"begin": "32", "end": "31", "rest": "1;31", "level": "1", STEP: "36"}


def run(values: Values) -> int:
    """Simulate it, and show what happens; return 1 if an expectation failed, or something was found."""
    sources = sources_of(values.file)
    reading = interpret(sources)
    scenario, files = _scenario(values.scenario, reading, sources[1:])
    if values.explore is not None:
        if values.junit or values.target:
            raise UsageError("argument --explore: not with --junit or --target")
        return _explore(values, Explorer(reading, scenario.lines if values.scenario else (), files))
    if values.save:
        raise UsageError("argument --save: only with --explore")
    life = simulate(reading, scenario, files)
    differ = _differences(values, sources, reading, life) if values.target else []
    if values.json:
        told = _as_json(values.file, scenario, life)
        out.write(out.as_json(told | {"target": values.target, "differences": [*map(_plain, differ)]}) + "\n")
    elif not values.quiet:
        _show(life, reading)
        for one in differ:
            where = f"{one.file}:{one.line}: {one.id}" if one.line else values.file
            out.write(printable(f"{where}: {values.target}: {one.text}") + "\n")
    where = values.scenario or "default scenario"
    for failure in life.failures:
        out.say(NAME, f"{where}:{failure.line.number}: {failure.line.step}: {failure.found}")
    if life.cut:
        out.say(NAME, f"ended at {life.seconds:g} s: {life.cut}")
    if values.junit:
        _write(values.junit, _junit(values.scenario or values.file, scenario, life))
    return out.FAILED if life.failures or life.cut else out.DONE


def _explore(values: Values, explorer: Explorer) -> int:
    findings = explorer.explore(values.explore, values.seed)
    shown = [finding for finding in findings if finding.scenario]
    if values.json:
        told = {"form": FORM, "file": values.file, "seed": values.seed, "lives": values.explore}
        out.write(out.as_json(told | {"findings": [*map(_plain, findings)]}) + "\n")
    elif not values.quiet:
        for finding in findings:
            lives = f", in {finding.lives} of {values.explore} lives" if finding.scenario else ""
            out.write(printable(f"{finding.kind}: {finding.text}{lives}") + "\n")
            for line in str(finding.scenario or "").splitlines():
                out.write(f"    {printable(line)}\n")
    if values.save and shown:
        _write(values.save, regression(shown[0]))
    return out.FAILED if findings else out.DONE


def _differences(values: Values, sources: Sequence[Source], reading: Reading, life: Life) -> list[Difference]:
    """Return what another init would do otherwise. The linter knows, which is not in the one file."""
    try:
        differ = __import__(_DIFFER, fromlist=["differences"])
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("sysvinit_py"):
            raise
        raise RefusedError("--target needs the linter: install the package sysvinit_py") from None
    if values.target not in differ.NAMES:
        raise UsageError(f"argument --target: not one of {', '.join(differ.NAMES)}: {values.target!r}")
    found: list[Difference] = differ.differences(sources, reading.entries, life, values.target)
    return found


def _plain(thing: Difference | Finding) -> dict[str, Any]:
    fields = {name: getattr(thing, name) for name in type(thing)._fields}
    if scenario := fields.get("scenario"):
        fields["scenario"] = str(scenario).splitlines()
    return marked(fields)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        error.filename = path  # also of a disk that is full
        raise


def _beside(scenario: Place, line: Line, others: Sequence[Source]) -> Reading:
    """Return the inittab that a line of the scenario names, with the other files that init reads."""
    place = scenario.sibling(line.values[0])
    try:
        data, _ = place.read(MAX_BYTES)
    except OSError as error:
        error.filename = f"{scenario.shown}:{line.number}: {place.shown}"
        raise
    return interpret((Source(place.shown, data), *others))


def _scenario(
    path: str | None, reading: Reading, others: Sequence[Source]
) -> tuple[Scenario, dict[str, Reading]]:
    """Return the scenario, and what other inittabs it names, which lie beside it. Raises UsageError."""
    if path is None:
        return default(reading.entries), {}
    place = named_file(path)
    data, _ = place.read(language.MAX_BYTES)
    try:
        scenario = language.parse(data.decode("utf-8", "surrogateescape"), path)
        files = {line.values[0]: _beside(place, line, others) for line in scenario.files}
        known = {entry.id for one in (reading, *files.values()) for entry in one.entries}
        known |= {line.values[0].partition(":")[0] for line in scenario.lines if line.form == "edit ENTRY"}
        if mistakes := language.contradictions(scenario, known, path):
            raise language.ScenarioError(mistakes)
    except language.ScenarioError as error:
        for mistake in error.mistakes:
            out.say(NAME, *str(mistake).splitlines())
        number = len(error.mistakes)
        raise UsageError(f"{path}: {number} mistake{'s' * (number > 1)}") from None
    return scenario, files


def _show(life: Life, reading: Reading) -> None:
    entries = {entry.id: entry for entry in reading.entries}
    rows = [["TIME", "EVENT", "ID", ""]]
    colours = ["1"]
    for event in life.events:
        rows.append([f"{event.time:.3f}", event.what, event.id or "-", _said(event, entries)])
        bad = event.what != "end" or event.status
        colours.append(_COLOURS.get(event.what, "") if bad else "")
    coloured = colours if out.coloured(sys.stdout) else ()
    out.write(out.table(rows, right=[0], most=out.width(), colours=coloured))


def _said(event: Event, entries: dict[str, Entry]) -> str:
    if event.what == STEP:
        return event.word
    if event.what == MESSAGE:
        return f"INIT: {event.word}"
    if event.what == SIGNAL:
        return f"{event.word} to process group {event.pid}"
    if event.what == "begin" and (entry := entries.get(event.id)):
        return f"process {event.pid}, {entry.action}: {entry.command}"
    if event.what == "end":
        return f"process {event.pid}: {how_it_ended(event.status)}{f' ({event.word})' if event.word else ''}"
    return said(event)


def _as_json(path: str, scenario: Scenario, life: Life) -> dict[str, Any]:
    """Return what the schema (data/simulate.schema.json) has."""
    return {
        "form": FORM,
        "file": path,
        "scenario": str(scenario).splitlines(),
        "seconds": life.seconds,
        "cut": life.cut or None,
        "events": [_event(event) for event in life.events],
        "failures": [
            marked({"line": failure.line.number, "step": failure.line.step, "found": failure.found})
            for failure in life.failures
        ],
    }


def _event(event: Event) -> dict[str, Any]:
    own = event.what in (STEP, MESSAGE, SIGNAL)
    told = event_json(event, 0.0) | {"time": event.time, "text": event.word if own else None}
    return marked(told | {"by": None} if own else told)


def _junit(name: str, scenario: Scenario, life: Life) -> str:
    """Return the expectations as the test cases of a JUnit report."""
    from xml.etree.ElementTree import Element, SubElement, tostring

    failed = {failure.line: failure.found for failure in life.failures}
    asked = [line for line in scenario.lines if line.is_expectation or line in failed]
    suite = Element(
        "testsuite", name=printable(name), tests=str(len(asked) + bool(life.cut)), failures=str(len(failed)),
        errors=str(int(bool(life.cut))),
        time=f"{life.seconds:g}",
    )  # fmt: skip
    for line in asked:
        case = SubElement(suite, "testcase", name=printable(str(line)), classname=printable(name))
        if line in failed:
            text = printable(failed[line])
            SubElement(case, "failure", message=text).text = f"{printable(name)}:{line.number}: {text}"
    if life.cut:
        case = SubElement(suite, "testcase", name="the whole life", classname=printable(name))
        SubElement(case, "error", message=f"ended at {life.seconds:g} s: {life.cut}")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"
