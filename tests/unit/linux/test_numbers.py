"""Flags and signal numbers have names, of the standard library: they differ between architectures.

Regression: O_NOFOLLOW was x86's 0o400000, which is O_LARGEFILE on arm64, and links were followed there.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "sysvinit_py"
#: The seams: what the standard library has no name for stands here, and is the same on every architecture.
SEAMS = ("linux/calls.py", "linux/namespaces.py")
#: What a file may be allowed; any other octal number would be a flag.
MODES = {
    0o022, 0o077, 0o111, 0o600, 0o620, 0o622, 0o644, 0o666, 0o700, 0o710, 0o744, 0o750, 0o755, 0o777, 0o1777,
}  # fmt: skip
FLAG = re.compile(
    r"_?AT_(FDCWD|EMPTY_PATH|SYMLINK_[A-Z]+|RECURSIVE|REMOVEDIR)|_?(O|SIG|F|FD|MFD|IN|TFD|EFD|SFD|CLONE|MS|MNT|PR|P|LOCK|RB|CLOCK|SEEK|POSIX_SPAWN|SO|AF|SOCK|S)_[A-Z_0-9]+"
    r"|_?(SIG|POLL|EPOLL|TIOC|KD)[A-Z]+|_?W(NOHANG|EXITED|NOWAIT|UNTRACED|CONTINUED)|_?DUP2|_?[RWXF]_OK"
)
#: Arguments that are a signal or a flag, by call: their places.
PLACES = {
    "kill": (1,), "killpg": (1,), "signal": (0, 1), "send_signal": (0,), "pthread_sigmask": (0,),
    "pidfd_send_signal": (1,), "raise_signal": (0,), "waitpid": (1,), "waitid": (0, 2), "access": (1,),
    "fcntl": (1,), "ioctl": (1,), "lockf": (1,), "flock": (1,), "lseek": (2,), "pipe2": (0,),
    "memfd_create": (1,), "inotify_init1": (0,), "signalfd": (1,), "clock_gettime": (0,), "reboot": (0,),
}  # fmt: skip
#: Zero asks for nothing: no signal, no option.
ZERO = ("kill", "killpg", "waitpid", "pidfd_send_signal")
#: ``open`` of these takes flags; the built-in takes a name.
OPENERS = ("kernel", "posix", "os", "calls")


def numbers(node: ast.AST) -> list[int]:
    """Return the literal numbers in an expression of ``|``, ``,`` and the like."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return [value]
        case ast.BinOp(left=left, right=right):
            return numbers(left) + numbers(right)
        case ast.UnaryOp(operand=operand):
            return numbers(operand)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return [number for part in parts for number in numbers(part)]
    return []


def literals(source: str) -> list[str]:
    """Return the lines that have a number where a name belongs, with their numbers."""
    found = []
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        text = lines[node.lineno - 1]
        match node:
            case ast.Constant(value=int(value)) if text[node.col_offset :][:2] == "0o" and value not in MODES:
                found.append(f"{node.lineno}: {text}")
            case ast.Assign(targets=[target], value=value):
                names = [name.id for name in ast.walk(target) if isinstance(name, ast.Name)]
                if any(map(FLAG.fullmatch, names)) and numbers(value):
                    found.append(f"{node.lineno}: {text}")
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
                places = PLACES.get(name, ())
                if name == "open" and getattr(getattr(node.func, "value", None), "id", "") in OPENERS:
                    places = (1,)
                for place in places:
                    given = numbers(arguments[place]) if place < len(arguments) else []
                    if given and not (given == [0] and name in ZERO):
                        found.append(f"{node.lineno}: {text}")
    return found


def test_no_flag_or_signal_is_a_number() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{found}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in (*SEAMS, "inittab/_grammar.py")
        for found in literals(path.read_text())
    ]
    assert not wrong


@pytest.mark.parametrize(
    "source",
    [
        "_O_RDWR = 2",
        "SIGHUP, SIGINT = 1, 2",
        "flags = 0o4000",
        "_IN_FLAGS = 0x4 | 0x800",
        "kernel.kill(pid, 9)",
        "os.killpg(1, 15)",
        "kernel.open(path, 0)",
        "os.open(path, os.O_RDONLY | 0x800)",
        "signal(2, handler)",
        "kernel.waitpid(-1, 1)",
        "kernel.fcntl(fd, 4, flags)",
    ],
)
def test_such_a_number_is_found(source: str) -> None:
    assert literals(source)


@pytest.mark.parametrize(
    "source",
    [
        "os.open(path, os.O_CREAT, 0o600)",
        "kernel.kill(pid, 0)",
        "open(path, 'r')",
        "_O = kernel.O_RDWR",
        "kernel.waitpid(pid, 0)",
        "x = 5",
    ],
)
def test_other_numbers_are_not(source: str) -> None:
    assert not literals(source)
