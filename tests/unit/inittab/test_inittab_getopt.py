"""The options of a command line."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.getopt import Syntax, UnknownOptionError, parse

SYNTAX = Syntax("ab:c::", ("all", "alone", "by=", "cut?", "all-of-it"))
X = Syntax("ab:", ("nodaemon", "config="), one_dash=True)


def seen(line: str, syntax: Syntax = SYNTAX) -> str:
    return " ".join(f"{name}[{value}]{at}" for name, value, at in parse(line.split(), syntax))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-a x -b y z", "-a[]0 [x]1 -b[y]3 [z]4"),
        ("-ab y -aby", "-a[]0 -b[y]1 -a[]2 -b[y]2"),
        ("-c x -cx", "-c[]0 [x]1 -c[x]2"),
        ("-b -a", "-b[-a]1"),
        ("-b --", "-b[--]1"),
        ("-a -- -b -", "-a[]0 [-b]2 [-]3"),
        ("-- --", "[--]1"),
        ("--by x --by=x --by=", "--by[x]1 --by[x]2 --by[]3"),
        ("--cut x --cut=x", "--cut[]0 [x]1 --cut[x]2"),
        ("--all --alo --b x", "--all[]0 --alone[]1 --by[x]3"),  # exact, or the only one that begins so
    ],
)
def test_as_getopt(line: str, expected: str) -> None:
    assert seen(line) == expected


@pytest.mark.parametrize("line", ["-x", "-ax", "-b", "-:", "--unknown", "--al", "--all=1", "--by", "-all"])
def test_what_is_not_known(line: str) -> None:
    with pytest.raises(UnknownOptionError):
        seen(line)


def test_one_dash() -> None:
    assert seen("-nodaemon -config x -a -bx --nodaemon", X) == (
        "-nodaemon[]0 -config[x]2 -a[]3 -b[x]4 --nodaemon[]5"
    )


def test_what_follows_is_another_commands() -> None:
    assert seen("-a host ps -b", SYNTAX.replace(most_operands=1)) == "-a[]0 [host]1 [ps]2 [-b]3"
