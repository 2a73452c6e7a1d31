"""behaviour/messages: what init says, on the console and in syslog, byte for byte.

Its complaints about lines of inittab are in test_inittab.py.
"""

from __future__ import annotations

import re

import pytest

from tests.system.conftest import Boot
from tests.system.syslogd import Syslogd
from tests.system.system import System

BOTH, CONSOLE, LOG = (True, True), (True, False), (False, True)


def said(system: System) -> list[str]:
    """What init said on the console, where the terminal adds a carriage return."""
    texts = re.findall(rb"\rINIT: (.*?)\r\r\n", system.console.said)
    assert b"".join(b"\rINIT: %s\r\r\n" % text for text in texts) == system.console.said
    return [text.decode() for text in texts]


def test_boot_and_switch(boot: Boot, log: Syslogd) -> None:
    system = boot("""
        id:2:initdefault:
        a:2:once:/w A deaf stay
        b:3:once:/w B stay
        c:4:once:/w C
    """, before=log.listen)  # fmt: skip
    system.witness.wait("A")
    system.telinit("-t", "0", "3")
    system.witness.wait("B")
    system.telinit("a")
    log.expect("Activating demand-procedures for 'A'")
    system.telinit("q")
    log.expect("Re-reading inittab")
    system.telinit("4")
    log.expect("no more processes left in this runlevel")
    wanted = [
        (CONSOLE, "version . booting"),
        (BOTH, "Entering runlevel: 2"),
        (BOTH, "Switching to runlevel: 3"),
        (CONSOLE, "Sending processes configured via /etc/inittab the TERM signal"),
        (CONSOLE, "Sending processes configured via /etc/inittab the KILL signal"),
        (LOG, "Activating demand-procedures for 'A'"),
        (LOG, "Re-reading inittab"),
        (BOTH, "Switching to runlevel: 4"),
        (CONSOLE, "Sending processes configured via /etc/inittab the TERM signal"),
        (BOTH, "no more processes left in this runlevel"),
    ]
    system.console.expect(b"no more processes left in this runlevel\r\r\n")
    version, *others = said(system)
    assert re.fullmatch(r"version \d[\w.]* booting", version)
    assert others == [text for (console, _), text in wanted if console][1:]
    assert log.texts == [text for (_, logged), text in wanted if logged]
    assert [m for m in log.received if not m.startswith(b"<30>")] == []


def test_single_user(boot: Boot, log: Syslogd) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\ns:S:once:/w S stay\n", before=log.listen)
    system.witness.wait("A")
    log.expect("no more processes left in this runlevel")
    system.telinit("S")
    system.witness.wait("S")
    log.expect("Going single user")


@pytest.mark.parametrize("reason", ["no syslog", "nobody reads", "a file"])
def test_without_syslog(boot: Boot, log: Syslogd, reason: str) -> None:
    """Init goes on, and says it on the console."""
    system = boot(
        "id:2:initdefault:\na:2:once:/w A\nb:3:once:/w B\n",
        files={"/dev/log": "" if reason == "a file" else None},
        before=log.listen if reason == "nobody reads" else None,
    )
    if reason == "nobody reads":
        system.witness.wait("A")
        log.close()
    system.witness.wait("A")
    system.telinit("3")
    system.witness.wait("B")
    system.console.expect(b"\rINIT: Switching to runlevel: 3\r\r\n")


def test_syslog_that_starts_later(boot: Boot, log: Syslogd) -> None:
    system = boot("id:2:initdefault:\na:2:once:/w A\n")
    system.witness.wait("A")
    log.listen(system)
    system.telinit("3")
    log.expect("Switching to runlevel: 3")


def test_prompt_on_a_line_of_its_own(boot: Boot) -> None:
    system = boot("")
    system.console.expect(re.compile(rb"(?:\A|\n)\r*\nEnter runlevel: \Z"))


@pytest.mark.ours_only("behaviour/messages: our reasons may say more after the words of C")
def test_complaints_say_what_was_expected(boot: Boot) -> None:
    system = boot("id:2:initdefault:\nabcde:2:once:/w A\nz:2:once:/w Z\n")
    system.witness.wait("Z")
    system.console.expect(
        b"\rINIT: /etc/inittab[2]: id field too long (max 4 characters), this one has 5 bytes\r\r\n"
    )
