"""INT9: what is different in a container."""

from __future__ import annotations

import pytest

from sysvinit_py.inittab.actions import EVENT_ACTIONS
from sysvinit_py.lint.check import check
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.targets import CONTAINER, SYSVINIT_PY
from tests.unit.lint.lint import findings
from tests.unit.lint.test_lint_corpus import FILES, load

WEB = "web:2:respawn:/usr/sbin/nginx -g 'daemon off;'\n"


def of(code: str, text: str, **options: object) -> list[str]:
    """What a rule finds for a container: ``line:what is marked``."""
    options.setdefault("fragment", False)
    lines = text.split("\n")
    return [
        f"{f.line}:{lines[f.line - 1][f.column - 1 : f.end_column - 1]}"
        for f in findings(text, CONTAINER, **options)
        if f.code == code
    ]


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ("0", "initdefault 0 would end the container at once"),
        ("6", "initdefault 6 would end the container at once"),
        ("26", "initdefault 6 would end the container at once"),
        ("S", "level S has no place in a container"),
        ("s", "level S has no place in a container"),
        ("2a", "initdefault A: no such level"),
        ("x", "initdefault X: no such level"),
        ("2", ""),
        ("7", ""),
        ("23", ""),
        ("", ""),  # level 9
    ],
)
def test_levels_that_cannot_be_entered(levels: str, message: str) -> None:
    text = f"id:{levels}:initdefault:\nx::respawn:/usr/local/bin/x\n"
    assert [f.message for f in findings(text, CONTAINER) if f.severity == "error"] == [message] * bool(
        message
    )


def test_of_two_initdefaults_the_first_counts() -> None:
    assert of("INT901", f"id:2:initdefault:\ni2:0:initdefault:\n{WEB}") == []
    assert of("INT901", f"i2:0:initdefault:\nid:2:initdefault:\n{WEB}") == ["1:0"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("# nothing\n", True),
        ("id:2:initdefault:\n", True),
        ("x:2:off:/x\n", True),
        ("x:3:respawn:/x\n", True),
        ("id:3:initdefault:\nx:2:respawn:/x\n", True),
        ("x:2:respawn:\n", True),
        ("x:2:respawn:+@\n", True),
        ("x:S:wait:/x\n", True),
        ("x:0:wait:/x\n", True),
        ("x:a:ondemand:/x\n", True),
        ("x:2:ctrlaltdel:/x\n", True),
        ("x:2:respawn:/x\n", False),
        ("x::once:/x\n", False),
        ("x:2a:ondemand:/x\n", False),
        ("x::sysinit:/x\n", True),
        ("id:3:initdefault:\nx:3:wait:/x\n", False),
        ("id::initdefault:\nx:9:wait:/x\n", False),
        ("id:0:initdefault:\nx:2:respawn:/x\n", False),  # which is said
    ],
)
def test_nothing_to_run(text: str, expected: bool) -> None:
    assert of("INT902", text) == ["1:"] * expected
    assert of("INT902", text, fragment=True) == []


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("a:2:once:/a", "b:2:respawn:/b", ["3:main"]),
        ("a:2:once:/a", "b::ondemand:/b", ["3:main"]),
        ("a:2:off:/a", "b:2:respawn:/b", []),
        ("a:3:once:/a", "b:2:respawn:/b", []),
        ("a:2:wait:/a", "b:2:respawn:/b", []),  # INT806
        ("a:2:once:", "b:2:respawn:/b", []),
    ],
)
def test_two_mains(one: str, two: str, expected: list[str]) -> None:
    assert of("INT903", f"# inittab: main\n{one}\n# inittab: main\n{two}\n") == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [("wait", ["2:wait"]), ("sysinit", ["2:sysinit"]), ("powerfail", ["2:powerfail"]), ("ondemand", [])]
    + [(action, []) for action in ("off", "once", "respawn")],
)
def test_main_above_what_cannot_be_it(action: str, expected: list[str]) -> None:
    assert of("INT912", f"# inittab: main\nx:2:{action}:/x\n{WEB}") == expected


def test_mains_of_two_files() -> None:
    files = [(name, b"# inittab: main\n%b:2:once:/x\n" % name[:1].encode()) for name in ("a.tab", "b.tab")]
    assert [(f.path, f.line) for f in check(files, CONTAINER, codes=["INT903"])] == [("b.tab", 1)]


@pytest.mark.parametrize("action", EVENT_ACTIONS)
def test_events_never_happen(action: str) -> None:
    text = f"id:2:initdefault:\nx:2:{action}:/bin/x\n{WEB}"
    assert of("INT904", text) == [f"2:{action}"]
    assert of("INT905", text) == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x:3:respawn:/x", ["2:3"]),
        ("x:345:once:/x", ["2:345"]),
        ("x:S:wait:/x", ["2:S"]),
        ("x:0:respawn:/x", ["2:0"]),
        ("x:06:once:/x", ["2:06"]),
        ("x:0:wait:/x", []),
        ("x:6:wait:/x", []),
        ("x:23:respawn:/x", []),
        ("x::respawn:/x", []),
        ("x:a:ondemand:/x", []),
        ("x:B:once:/x", []),
        ("x:3:sysinit:/x", []),
        ("x:3:off:/x", []),
    ],
)
def test_other_levels(entry: str, expected: list[str]) -> None:
    assert of("INT905", f"id:2:initdefault:\n{entry}\n{WEB}") == expected


def test_a_part_does_not_say_which_level_is_entered() -> None:
    assert of("INT905", "x:3:respawn:/x\ny:S:wait:/y\n", fragment=True) == ["2:S"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x::sysinit:/bin/x", True),
        ("x::bootwait:/bin/x", True),
        ("x:2:wait:/bin/x", True),
        ("x:2:wait:/bin/x && /bin/true", True),
        ("x:2:wait:/bin/true && /bin/x", True),
        ("x:2:wait:/bin/x || true; /bin/y", True),
        ("x:2:wait:/bin/x || exit 1", True),
        ("x:2:wait:true | /bin/x", True),
        ("x:2:wait:sh -c '/bin/x'", True),
        ("x:2:wait:/bin/x || true", False),
        ("x:2:wait:+/bin/x -a 'b c' || /bin/true", False),
        ("x:2:wait:/bin/x || :", False),
        ("x:2:wait:/bin/x || exit 0", False),
        ("x:2:wait:/bin/x; exit 0", False),
        ("x:2:wait:/bin/x || echo failed >&2", False),
        ("x:2:wait:/bin/x &", False),
        ("x:2:wait:/bin/echo starting", False),
        ("x:2:wait:sh -c '/bin/x || true'", False),
        ("x::boot:/bin/x", True),
        ("x:2:once:/bin/x", False),
        ("x:3:wait:/bin/x", False),
        ("x:0:wait:/bin/x", False),
        ("x:2:wait:", False),
        ("x:2:ctrlaltdel:/bin/x", False),
    ],
)
def test_a_set_up_that_fails_ends_it(entry: str, expected: bool) -> None:
    assert bool(of("INT906", f"id:2:initdefault:\n{entry}\n{WEB}")) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x:2:wait:/bin/x &", ["1:&"]),
        ("x:2:once:/bin/x & /bin/y", ["1:&"]),
        ("x:2:once:/bin/x & /bin/y & wait", ["1:&", "1:&"]),
        ("x:2:respawn:/bin/x & exec /bin/y", ["1:&"]),
        ("x::sysinit:(/bin/x &)", ["1:&"]),
        ("x:0:wait:/bin/x &", ["1:&"]),
        ("x:2:once:sh -c '/bin/x & wait'", ["1:sh"]),
        ("x:2:wait:/etc/init.d/cron start", ["1:/etc/init.d/cron"]),
        ("x:2:wait:/usr/sbin/service cron start", ["1:/usr/sbin/service"]),
        ("x:2:once:/usr/sbin/sshd", ["1:/usr/sbin/sshd"]),
        ("x:2:once:sh -c 'exec /usr/sbin/sshd'", ["1:sh"]),
        ("x:2:respawn:/usr/sbin/sshd", []),  # INT405
        ("x:2:respawn:/bin/x &", []),  # INT405
        ("x:2:once:/usr/sbin/sshd -D", []),
        ("x:2:wait:/etc/init.d/cron stop", []),
        ("x:2:once:/bin/x 2>&1 && /bin/y", []),
        ("x:2:once:/bin/x '&' \\& \"&\"", []),
        ("x:2:off:/bin/x &", []),
        ("x:2:once:@/bin/x &", []),  # INT508
    ],
)
def test_what_goes_to_the_background(entry: str, expected: list[str]) -> None:
    assert of("INT907", f"{entry}\n", fragment=True) == expected


@pytest.mark.parametrize("what", ["/usr/sbin/sshd", "/bin/x &", "/usr/bin/nginx -s reload"])
def test_a_service_that_ends_at_once_ends_the_container(what: str) -> None:
    text = f"x:2:respawn:{what}\n"
    (finding,) = (f for f in findings(text, CONTAINER) if f.code == "INT405")
    assert finding.message.endswith(" at once, until that ends the container")
    (finding,) = (f for f in findings(text, SYSVINIT_PY) if f.code == "INT405")
    assert finding.message.endswith(" at once")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x:2:respawn:/sbin/getty 38400 tty1", ["1:/sbin/getty"]),
        ("x:2:once:/sbin/agetty tty1", ["1:/sbin/agetty"]),
        ("x:2:wait:/sbin/sulogin", ["1:/sbin/sulogin"]),
        ("x:2:respawn:/bin/login -f root </dev/tty1 >/dev/tty1", ["1:/bin/login"]),
        ("x:2:respawn:/bin/sh", ["1:/bin/sh"]),
        ("# inittab: main\nx:2:respawn:/bin/bash", []),
        ("x:2:respawn:/bin/sh /usr/local/bin/app", []),
        ("x:2:respawn:/bin/sh -c 'exec app'", []),
        ("x:S:wait:/sbin/sulogin", []),  # INT905
        ("x:2:respawn:/usr/bin/app --getty", []),
    ],
)
def test_no_terminal(text: str, expected: list[str]) -> None:
    assert of("INT908", f"{text}\n", fragment=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# inittab: stop=STOP\nx:2:once:/x", ["1:stop=STOP"]),
        ("# inittab: stop=SIGCONT\nx:2:once:/x", ["1:stop=SIGCONT"]),
        ("# inittab: grace=1 stop=WINCH\nx:2:once:/x", ["1:stop=WINCH"]),
        ("# inittab: stop=WINCH\nx:2:respawn:/usr/sbin/apache2 -D FOREGROUND", []),
        ("# inittab: stop=QUIT\nx:2:once:/x", []),
        ("# inittab: stop=KILL\nx:2:once:/x", []),
        ("# inittab: stop=RTMIN+3\nx:2:once:/x", []),
        ("x:2:respawn:/usr/bin/uwsgi --ini x", ["1:/usr/bin/uwsgi"]),
        ("x:2:respawn:/usr/bin/uwsgi --die-on-term", []),
        ("# inittab: stop=INT\nx:2:respawn:/usr/bin/uwsgi", []),
        ("# inittab: stop=TERM\nx:2:respawn:/usr/bin/uwsgi", ["2:/usr/bin/uwsgi"]),
        ("x:2:respawn:postgres -D /data", ["1:postgres"]),
        ("# inittab: main\nx:2:once:/bin/bash", ["2:/bin/bash"]),
        ("# inittab: main stop=HUP\nx:2:once:/bin/bash", []),
        ("# inittab: main\nx:2:once:/bin/bash /app", []),
        ("x:2:once:trap '' TERM; /bin/x", ["1:trap '' TERM; /bin/x"]),
        ("x:2:once:trap '' INT 15; /bin/x", ["1:trap '' INT 15; /bin/x"]),
        ("x:2:once:trap 'exit 3' TERM; /bin/x", []),
        ("x:2:once:trap '' HUP; /bin/x TERM", []),
        ("x:3:off:/usr/bin/uwsgi", []),
    ],
)
def test_deaf_to_its_stop(text: str, expected: list[str]) -> None:
    assert of("INT909", f"{text}\n", fragment=True) == expected


@pytest.mark.parametrize(
    ("entry", "word", "said"),
    [
        ("x:0:wait:/sbin/halt -f", "/sbin/halt", "halt is passed over"),
        ("x:06:wait:/sbin/reboot", "/sbin/reboot", "reboot is passed over"),
        ("x:2:once:/bin/sleep 9; exec poweroff", "poweroff", "poweroff fails"),
        ("x:2:wait:if true; then /sbin/shutdown -h now; fi", "/sbin/shutdown", "shutdown fails"),
        ("x:0:once:/sbin/halt", "/sbin/halt", "halt fails"),
        ("x:0:wait:/bin/sync; /sbin/halt", "/sbin/halt", "halt fails"),
        ("x:02:wait:/sbin/halt", "/sbin/halt", "halt fails"),
        ("x:2:once:echo halt >/sbin/halt", "", ""),
        ("x:2:once:/sbin/telinit 0", "", ""),
        ("x:2:off:/sbin/halt", "", ""),
        ("x:2:powerfail:/sbin/halt", "", ""),  # INT904
    ],
)
def test_no_machine(entry: str, word: str, said: str) -> None:
    text = f"{entry}\n{WEB}"
    assert of("INT910", text) == [f"1:{word}"] * bool(word)
    assert [f.message.startswith(said) for f in findings(text, CONTAINER) if f.code == "INT910"] == [
        True
    ] * bool(word)


@pytest.mark.parametrize(
    ("file", "entry", "expected"),
    [
        ("#", "grace=25", ["2:grace=25"]),
        ("#", "stop=INT grace=8.5", ["2:grace=8.5"]),
        ("#", "grace=8", []),
        ("#", "grace=0", []),
        ("# inittab-file: grace=25", "grace=25", []),
        ("# inittab-file: log=raw grace=2", "grace=3", ["2:grace=3"]),
        ("# inittab-file: grace=0", "grace=1", ["2:grace=1"]),
    ],
)
def test_more_time_than_the_container_has(file: str, entry: str, expected: list[str]) -> None:
    assert of("INT911", f"{file}\n# inittab: {entry}\n{WEB}") == expected


def test_the_first_file_that_gives_a_grace_counts() -> None:
    files = [
        ("a.tab", b"# inittab-file: log=json\na:2:once:/x\n"),
        ("b.tab", b"# inittab-file: grace=20\n# inittab: grace=30\nb:2:once:/x\n"),
        ("c.tab", b"# inittab-file: grace=40\n# inittab: grace=30\nc:2:once:/x\n"),
    ]
    assert [(f.path, f.line) for f in check(files, CONTAINER, codes=["INT911"])] == [
        ("b.tab", 2),
        ("c.tab", 2),
    ]


EVERY_RULE = """\
id:0:initdefault:
# inittab: main
a:2:once:/x &
# inittab: main stop=CONT
b:2:wait:/usr/bin/uwsgi
# inittab: main
b2:2:once:/sbin/halt
# inittab: grace=30
b3:2:once:/x
c:S:wait:/sbin/x
d:2:powerfail:/x
e:2:respawn:/sbin/getty 38400 tty1
"""


@pytest.mark.parametrize("code", [code for code in RULES if code.startswith("INT9")])
def test_each_can_be_turned_off(code: str) -> None:
    text = "x:3:once:/x\n" if code == "INT902" else EVERY_RULE
    assert of(code, text) != []
    (*_, used), unused = (
        findings(f"# inittab-lint: disable-file={code}\n{text}", target, fragment=False)
        for target in (CONTAINER, SYSVINIT_PY)
    )
    assert used.code != code
    assert of(code, f"# inittab-lint: disable-file={code}\n{text}") == []
    assert [f for f in unused if f.code == "INT004"] == []  # other targets do not look for it


def test_what_is_asked_of_a_machine_only() -> None:
    """An image has no halt, no single user mode, no Ctrl-Alt-Del; PATH and WORKDIR are its own."""
    text = f"id:2:initdefault:\n{WEB}app:2:respawn:gunicorn app\nx:2:respawn:./run.sh\n"
    assert [f.code for f in findings(text, CONTAINER, fragment=False)] == []
    machine = {f.code for f in findings(text, SYSVINIT_PY, fragment=False)}
    assert {"INT211", "INT212", "INT213", "INT214", "INT403", "INT404"} <= machine


def test_other_targets_have_none_of_it() -> None:
    for target in {target for rule in RULES.values() for target in rule.targets} - {CONTAINER}:
        assert not any(f.code.startswith("INT9") for f in findings(EVERY_RULE, target, fragment=False))


@pytest.mark.parametrize("name", FILES)
def test_any_file(name: str) -> None:
    """No file of the corpus is too odd for it, and what ours refuses is refused here, too."""
    files = [("etc/inittab", load(name))]
    both = [
        {(f.line, f.code) for f in check(files, target) if f.severity == "error"}
        for target in (SYSVINIT_PY, CONTAINER)
    ]
    assert both[0] == {error for error in both[1] if not error[1].startswith("INT9")}
