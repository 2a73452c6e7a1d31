"""The output formats."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.inittab.actions import ACTIONS
from sysvinit_py.lint.finding import Finding, printable
from sysvinit_py.lint.formats import gcc, github, sarif, text
from sysvinit_py.lint.formats import json as as_json
from tests.unit.lint.lint import findings

LINTED = findings(b"c6:22:respawn:/sbin/agetty 38400 tty1\nx:2:twice:/\xff\n", path="a dir/init:tab,\xe9")


def finding(**fields: Any) -> Finding:
    given: dict[str, Any] = {
        "path": "f", "line": 7, "column": 3, "end_column": 5, "code": "INT301", "name": "getty-id",
        "severity": "warning", "message": "m", "text": "abcdef",
    }  # fmt: skip
    return Finding(**(given | fields))


def test_text() -> None:
    assert text.render(LINTED) == (
        "a dir/init:tab,\xe9:1:1: warning: id 'c6' names tty6, but the getty is on tty1 [INT301 getty-id]\n"
        " 1 | c6:22:respawn:/sbin/agetty 38400 tty1\n"
        "   | ^^\n"
        "\n"
        "a dir/init:tab,\xe9:1:4: info: written more than once: 2 [INT210 repeated-runlevel]\n"
        " 1 | c6:22:respawn:/sbin/agetty 38400 tty1\n"
        "   |    ^^\n"
        "   = --fix: write each level once\n"
        "\n"
        "a dir/init:tab,\xe9:2:5: error: twice: unknown action field [INT107 unknown-action]\n"
        " 2 | x:2:twice:/\\xff\n"
        "   |     ^^^^^\n"
        f"   = hint: it is one of {', '.join(ACTIONS)}\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("\x1b[1m\x9b", "\\x1b[1m\\x9b"),
        ("\u202e\udcff\n", "\\u202e\\xff\\n"),
        ("a ##vso[x ##[ ##a] # ##", "a \\x23#vso[x \\x23#[ ##a] # ##"),
        ("::error::##[", "\\x3a:error::\\x23#["),
        (" \t::a", " \\t\\x3a:a"),
        (":a ::", ":a ::"),
        ("::", "\\x3a:"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "caret"),
    [
        ("abcdef", 3, 5, "abcdef", "  ^^"),
        ("abcdef", 7, 7, "abcdef", "      ^"),
        ("a\tbc", 3, 4, "a bc", "  ^"),
        ("\x1b[1mab", 5, 6, "\\x1b[1mab", "       ^"),
        ("\udcffab", 2, 3, "\\xffab", "    ^"),
        ("\u4e2d\u6587a", 3, 4, "\u4e2d\u6587a", "    ^"),
        ("e\u0301a", 3, 4, "e\u0301a", " ^"),
        ("a" * 300, 2, 4, "a" * 100 + "...", " ^^"),
        ("a" * 150 + "b" * 150, 151, 152, "..." + "a" * 50 + "b" * 50 + "...", " " * 53 + "^"),
        ("a" * 300, 1, 301, "a" * 100 + "...", "^" * 100),
    ],
)
def test_text_quotes(line: str, column: int, end: int, shown: str, caret: str) -> None:
    rendered = text.render([finding(text=line, column=column, end_column=end)]).split("\n")
    assert rendered[1:3] == [f" 7 | {shown}", f"   | {caret}"]


def test_text_of_a_file_as_a_whole_quotes_nothing() -> None:
    assert text.render([finding(line=1, column=1, end_column=1)]) == "f:1:1: warning: m [INT301 getty-id]\n\n"


def test_text_in_colour() -> None:
    assert "\x1b[1;33mwarning\x1b[0m" in text.render([finding()], colour=True)
    assert "\x1b" not in text.render([finding(path="a\x1b[1mb")])


def test_gcc() -> None:
    assert gcc.render(LINTED) == (
        "a dir/init:tab,\xe9:1:1: warning: id 'c6' names tty6, but the getty is on tty1 [INT301]\n"
        "a dir/init:tab,\xe9:1:4: note: written more than once: 2 [INT210]\n"
        "a dir/init:tab,\xe9:2:5: error: twice: unknown action field [INT107]\n"
    )


def test_json() -> None:
    first, second, third = json.loads(as_json.render(LINTED))
    assert first == {
        "path": "a dir/init:tab,\xe9",
        "line": 1,
        "column": 1,
        "end_column": 3,
        "code": "INT301",
        "name": "getty-id",
        "severity": "warning",
        "message": "id 'c6' names tty6, but the getty is on tty1",
    }
    assert second["fix"] == {
        "message": "write each level once",
        "safe": True,
        "edits": [{"line": 1, "column": 4, "end_column": 6, "text": "2"}],
    }
    assert third["hint"].startswith("it is one of")
    assert json.loads(as_json.render([])) == []


def test_github() -> None:
    assert github.render(LINTED).split("\n")[0] == (
        "::warning file=a dir/init%3Atab%2C\xe9,line=1,col=1,endColumn=3,title=inittab-lint INT301"
        "::id 'c6' names tty6, but the getty is on tty1"
    )
    assert github.render([finding(message="50%", severity="info", hint="h")]).endswith("::50%25 (h)\n")


def test_sarif_is_what_the_findings_are() -> None:
    log = json.loads(sarif.render(LINTED))
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["INT107", "INT210", "INT301"]
    first, second, third = run["results"]
    assert first["ruleId"] == run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "INT301"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20dir/init%3Atab%2C%C3%A9"},
        "region": {"startLine": 1, "startColumn": 1, "endColumn": 3},
    }
    assert [result["level"] for result in run["results"]] == ["warning", "note", "error"]
    assert second["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": "2"}
    assert "(it is one of" in third["message"]["text"]


def test_sarif_links_each_rule_to_its_page() -> None:
    (run,) = json.loads(sarif.render(LINTED))["runs"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["helpUri"] == f"man:inittab-lint-rules(7)#{rule['id']}"
        assert rule["help"]["text"].startswith(f"{rule['id']} {rule['name']} (")


def _object(*needed: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": needed, "properties": fields, "additionalProperties": False}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True}


_TEXT = _object("text", text={"type": "string"})
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_URI = {"type": "string", "format": "uri-reference", "pattern": r"^[!-~]*$"}
_FROM_1 = {"type": "integer", "minimum": 1}
_REGION = _object("startLine", startLine=_FROM_1, startColumn=_FROM_1, endColumn=_FROM_1)
_ARTIFACT = _object("uri", uri=_URI)
_PLACE = _object("artifactLocation", artifactLocation=_ARTIFACT, region=_REGION)
_LOCATION = _object(id={"type": "integer", "minimum": -1}, physicalLocation=_PLACE, message=_TEXT)
_REPLACEMENT = _object("deletedRegion", deletedRegion=_REGION, insertedContent=_TEXT)
_CHANGE = _object(
    "artifactLocation", "replacements", artifactLocation=_ARTIFACT, replacements=_list(_REPLACEMENT)
)
_FIX = _object("artifactChanges", description=_TEXT, artifactChanges=_list(_CHANGE))
_RESULT = _object(
    "message", ruleId={"type": "string"}, ruleIndex={"type": "integer", "minimum": -1}, level=_LEVEL,
    message=_TEXT, locations=_list(_LOCATION), relatedLocations=_list(_LOCATION), fixes=_list(_FIX),
)  # fmt: skip
_RULE = _object(
    "id", id={"type": "string"}, name={"type": "string"}, shortDescription=_TEXT, fullDescription=_TEXT,
    help=_TEXT, helpUri={"type": "string", "format": "uri", "pattern": "^[a-z]+:[!-~]+$"},
    defaultConfiguration=_object(level=_LEVEL),
)  # fmt: skip
_DRIVER = _object("name", name={"type": "string"}, version={"type": "string"}, rules=_list(_RULE))
_RUN = _object(
    "tool", tool=_object("driver", driver=_DRIVER), results={"type": "array", "items": _RESULT},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)  # fmt: skip
#: So much of SARIF 2.1.0 as is written. tests/system/lint takes the whole schema, where it can be had.
_SARIF = _object(
    "version", "runs", **{"$schema": {"type": "string"}}, version={"const": "2.1.0"},
    runs={"type": "array", "items": _RUN},
)  # fmt: skip


@pytest.mark.parametrize("path", ["etc/inittab", "/a b/\udcff\n", "::error::", "##[x]"])
def test_sarif_is_what_the_standard_says(path: str) -> None:
    validator = jsonschema.Draft7Validator(_SARIF)
    first = (path, 3)
    listed = [*findings(b"x:2:twice:\xff\x1b\nx:22:once:/x \n", path=path), finding(path=path, first=first)]
    for shown in ([], LINTED, listed):
        validator.validate(json.loads(sarif.render(shown)))
    bad = json.loads(sarif.render(LINTED))
    bad["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not validator.is_valid(bad)
