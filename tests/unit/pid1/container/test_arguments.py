"""The command line of ``init --container``."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.pid1.container.arguments import Arguments, UsageError, parse


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", Arguments()), ("--", Arguments()), ("--grace 2.5", Arguments(grace=2.5)),
        ("--grace=0", Arguments(grace=0.0)), ("--log json --level 3", Arguments(log="json", level="3")),
        ("--check -- x --grace", Arguments(check=True, command=("x", "--grace"))),
        ("-- -- x", Arguments(command=("--", "x"))),
    ],
)  # fmt: skip
def test_what_it_says(words: str, expected: Arguments) -> None:
    assert parse(words.split()) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--grase", "unknown option --grase"), ("-x", "unknown option -x"),
        ("--check=1", "unknown option --check=1"), ("bash", "bash: a command has to follow --"),
        ("--grace", "--grace requires seconds"),
        *((f"--grace {text}", f'--grace requires seconds, not "{text}"')
          for text in ("8s", "-1", "1e3", "nan", "99999999", "1.", "\u0663")),
        ("--log=x", '--log requires prefix, json or raw, not "x"'),
        ("--level 0", "--level 0 would end the container at once"),
        ("--level 22", "--level 22: no such level"),
        ("--level=", "--level : no such level"), ("--level 06", "--level 06: no such level"),
        ("--level 23", "--level 23: no such level"),
        ("--level s", "level S has no place in a container"),
    ],
)  # fmt: skip
def test_what_is_wrong(words: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(words.split())
    assert str(refused.value) == message


@given(st.lists(st.text()))
def test_it_never_fails_otherwise(words: list[str]) -> None:
    with suppress(UsageError):
        parse(words)


@given(st.lists(st.text()))
def test_a_command_is_passed_on_as_it_is(words: list[str]) -> None:
    assert parse(["--check", "--", *words]).command == tuple(words)


def test_what_it_answers() -> None:
    assert parse(["--help"]).answer.startswith("usage: init --container [--grace SECONDS]")
    assert parse(["--version"]).answer.startswith("init (sysvinit_py) ")
