"""The compiled copy counts for the same sources and the same version, and for nothing else."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab import compiled

COPY = compiled.pack(b"sources", b"reading")


def test_the_reading_of_the_same_sources() -> None:
    assert compiled.unpack(COPY, b"sources") == b"reading"


@pytest.mark.parametrize("sources", [b"", b"source", b"sources ", b"Sources", b"sourcesreading"])
def test_other_sources(sources: bytes) -> None:
    assert compiled.unpack(COPY, sources) is None


@pytest.mark.parametrize("end", range(len(COPY) - len(b"reading")))
def test_a_copy_that_is_cut_off(end: int) -> None:
    assert compiled.unpack(COPY[:end], b"sources") is None


def test_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_HEADER", b"# inittab as read by sysvinit_py 9.9\n")
    assert compiled.unpack(COPY, b"sources") is None
