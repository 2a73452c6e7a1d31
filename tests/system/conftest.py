"""System tests: a real PID 1 in namespaces, ours and Debian's C init (the oracle) side by side.

    def test_sysinit_is_waited_for(boot):
        system = boot('''
            id:2:initdefault:
            si::sysinit:/w A sleep=0.1
            l2:2:once:/w B stay
        ''')
        b = system.witness.wait("B")                      # its "start"
        assert b.time > system.witness.wait("A", "end").time
        system.telinit("3")
        system.witness.wait("B", "TERM")

Each test that uses ``boot`` runs twice, as [ours] and as [oracle]; ``init`` says which one is under test
(``init.ours``, ``init.program``). Where we differ on purpose, from all
versions of the oracle (oracle.py) or from some:

    @pytest.mark.ours_only("behaviour/runlevels#ending: a group is gone when no member is left")
    @pytest.mark.ours_only("behaviour/signals: 3.10 and newer", but=["3.14"])

``boot(inittab, **options)``: a str is dedented; bytes and None (no file) go too. The options are Sandbox's:
files={path: str | bytes | Path | None}, arguments=["3"], environment={...}, console=False, before=callable.
It returns a System (system.py): witness, console (expect, type, said, pause), telinit, request, send, signal,
records, run, start, path, write, processes, alive, wait_gone, wait_level, wait_end. All is ended after the
test; when it fails, console and witness are shown. Wait for what you expect (all raise TimeoutError), do not
sleep.
``boot(inittab, before=log.listen)`` makes the fixture ``log`` its syslog daemon (syslogd.py).

Ours is dist/init, or $SYSVINIT_PY_INIT; the oracle's programs are in the folder ``oracle_programs``.
Entries that C 3.06 must read have at most 127 bytes in their process field. On entering S, 0, 1 or 6 it
discards what the console has not shown yet, so a message may be missing there: prefer the witness.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.packages import PackageError, unpacked
from sysvinit_py.sandbox.refusal import NamespaceError
from sysvinit_py.sandbox.sandbox import Sandbox
from tests.support.patience import PATIENCE
from tests.system.oracle import VERSION, OracleError, oracle
from tests.system.syslogd import Syslogd
from tests.system.system import System
from tests.system.witness import CompilerError, program

OURS = Path(os.environ.get("SYSVINIT_PY_INIT") or Path(__file__).parents[2] / "dist" / "init")
WATCHDOG = 60 * PATIENCE  # seconds a test may take

Boot = Callable[..., System]
SYSTEMS = pytest.StashKey[list[System]]()


class Init(NamedTuple):
    """An init under test."""

    program: Path
    ours: bool


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "ours_only(reason, but=()): run on no oracle but the versions in ``but``: we differ on purpose",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Download the oracle before the first test: that may take longer than a test may."""
    if not hasattr(session.config, "workerinput"):
        with suppress(OracleError):  # the tests that need it will tell
            oracle()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "init" in metafunc.fixturenames:
        ours_only = metafunc.definition.get_closest_marker("ours_only")
        if ours_only and not ours_only.args:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: ours_only needs a reason")
        alone = ours_only and VERSION not in ours_only.kwargs.get("but", ())
        metafunc.parametrize("init", ["ours"] if alone else ["ours", "oracle"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(WATCHDOG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        for system in item.stash.get(SYSTEMS, []):
            said = system.console.said.decode(errors="replace")
            report.sections.append(("console", said.replace("\r", "")))
            report.sections.append(("witness", str(system.witness)))
    return report


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips what needs namespaces where the kernel makes none; any later refusal is then a failure."""
    try:
        with Sandbox(Path("/bin/true"), ""):
            pass
    except NamespaceError as refusal:
        pytest.skip(f"no namespaces: {refusal}")


@pytest.fixture(scope="session")
def oracle_programs() -> Path:
    """The folder of the oracle's init, telinit, shutdown, halt and runlevel."""
    try:
        return oracle()
    except OracleError as reason:
        pytest.skip(f"no oracle: {reason}")


@pytest.fixture(scope="session")
def debian_program() -> Callable[[str, str], Path]:
    """Return a function that returns a program of a package of Debian 12, whatever this machine has."""

    def program(package: str, path: str) -> Path:
        try:
            return unpacked(package) / path
        except PackageError as reason:
            pytest.skip(f"no {path}: {reason}")

    return program


@pytest.fixture
def init(request: pytest.FixtureRequest) -> Init:
    """The init under test."""
    if request.param == "oracle":
        return Init(request.getfixturevalue("oracle_programs") / "init", ours=False)
    if not OURS.exists():
        pytest.fail(f"{OURS} is missing: run 'make dist/init'", pytrace=False)
    return Init(OURS, ours=True)


@pytest.fixture
def boot(init: Init, namespaces: None, request: pytest.FixtureRequest) -> Iterator[Boot]:
    """Boot an inittab on the init under test; see this module's docstring."""
    try:
        program()
    except CompilerError as reason:
        pytest.skip(str(reason))
    with ExitStack() as running:

        def boot_one(inittab: str | bytes | None, **options: Any) -> System:
            if isinstance(inittab, str):
                inittab = textwrap.dedent(inittab).lstrip("\n").encode(errors="surrogateescape")
            options.setdefault("init", init.program)
            system = running.enter_context(System(inittab=inittab, **options))
            request.node.stash.setdefault(SYSTEMS, []).append(system)
            return system

        yield boot_one


@pytest.fixture
def log() -> Iterator[Syslogd]:
    """A syslog daemon to be."""
    daemon = Syslogd()
    yield daemon
    daemon.close()
