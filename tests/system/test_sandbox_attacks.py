"""A hostile inittab, root inside the sandbox, with the tricks that have been thought of (docs/SECURITY.rst).

What it wants is a sentinel: a file, a key, a variable of the caller's. Each attack first has to be one: what
it does must work where nothing confines it, or at least be tried.
"""

from __future__ import annotations

import glob
import os
import re
import select
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sysvinit_py.sandbox.console import Console
from tests.system.witness import wait_until

REPOSITORY = Path(__file__).parents[2]
SENTINEL = "sentinel-" + uuid4().hex
INITTAB = "id:2:initdefault:\na:2:respawn:/bin/sleep 1000\n"
DROP = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
pytestmark = [pytest.mark.usefixtures("namespaces"), pytest.mark.timeout(120)]

Try = Callable[..., "subprocess.CompletedProcess[bytes]"]


INIT = Path(os.environ.get("SYSVINIT_PY_INIT") or REPOSITORY / "dist" / "init")


def command(*arguments: str | Path, python: str = sys.executable, init: Path = INIT) -> list[str]:
    return [python, "-m", "sysvinit_py.sandbox.cli", "--init", str(init), *map(str, arguments)]


@pytest.fixture(scope="module")
def readable() -> Iterator[Path]:
    """The package and the init where everybody may read them, as a checkout below /root cannot be."""
    folder = Path(f"/tmp/{SENTINEL}.readable")
    shutil.copytree(REPOSITORY / "sysvinit_py", folder / "sysvinit_py")
    shutil.copy(INIT, folder / "init")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["root", "user"])
def attempt(request: pytest.FixtureRequest, readable: Path) -> Iterator[Try]:
    """Boots an inittab that says ``script`` is to be run as soon as it has settled; as root, and as a user."""
    before: list[str] = []
    python = sys.executable
    if request.param == "root":
        if os.geteuid():
            pytest.skip("not root")
    elif not os.geteuid():
        before, python = DROP, "/usr/bin/python3"
    file = Path(f"/tmp/{SENTINEL}.inittab")
    file.write_text(INITTAB)

    def run(script: str, *options: str, **popen: object) -> subprocess.CompletedProcess[bytes]:
        words = [
            *before,
            *command(file, "--command", script, *options, python=python, init=readable / "init"),
        ]
        given = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60, **popen}
        return subprocess.run(words, cwd=readable, check=False, **given)  # type: ignore[call-overload, no-any-return]

    yield run
    file.unlink(missing_ok=True)


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file of the host's that everybody may read, so that nothing but the sandbox is in the way."""
    file = Path(f"/tmp/{SENTINEL}")
    file.write_text(SENTINEL + "-content\n")
    yield file
    file.unlink()


def python(source: str) -> str:
    return f"/usr/bin/python3 -c {shlex.quote(source)}"


# 1. What looks inside trusts no name that is there.

FAKE_PROC = """
mkdir -p /fake/1 /fake/7 /fake/self
for pid in 1 7 self; do ln -s {target} /fake/$pid/stat; ln -s {target} /fake/$pid/cmdline; done
mount --bind /fake /proc; mount --move /fake /proc; umount -l /proc; rmdir /proc; mv /proc /old; ln -s /fake /proc
mount --bind /fake/1 /proc/1; mount --bind {target} /proc/1/cmdline; ln -sf {target} /proc/1/cmdline
mv /fake /proc; chroot / mount -t proc x /mnt
sleep 2
"""


@pytest.mark.parametrize("kind", ["file", "fifo", "/dev/zero", "/dev/tty", "folder"])
def test_a_faked_proc_shows_nothing_and_holds_nobody(
    kind: str, attempt: Try, secret: Path, tmp_path: Path
) -> None:
    target = {"file": str(secret), "fifo": f"{secret}.fifo", "folder": "/proc"}.get(kind, kind)
    if kind == "fifo":
        os.mkfifo(target, 0o666)
    try:
        started = time.monotonic()
        done = attempt(FAKE_PROC.format(target=target), "--timeout", "20")
    finally:
        if kind == "fifo":
            os.unlink(target)
    assert SENTINEL.encode() + b"-content" not in done.stdout + done.stderr
    assert b"settled in runlevel 2" in done.stderr, done
    assert time.monotonic() - started < 20


def test_a_title_is_no_order_to_the_terminal(attempt: Try) -> None:
    """It is named when the time is over."""
    loop = "import time; time.sleep(100)"
    done = attempt(f"{python(loop)} '\033]0;{SENTINEL}\007' & wait", "--timeout", "4")
    assert done.returncode == 124, done
    assert SENTINEL.encode() in done.stderr
    assert b"\033" not in done.stderr


# 2. The caller's terminal and streams.

TYPE = """
import fcntl, os, struct
fds = [0, 1, 2]
for name in "/dev/console", "/dev/tty", "/dev/pts/0", "/proc/1/fd/0":
    try: fds.append(os.open(name, os.O_RDWR | os.O_NOCTTY))
    except OSError: pass
for fd in fds:
    for byte in b"touch owned\\n":
        for number in 0x5412, 0x541C:  # TIOCSTI, TIOCLINUX
            try: fcntl.ioctl(fd, number, struct.pack("B", byte))
            except OSError: pass
print("tried")
"""


def test_nothing_is_typed_into_the_callers_terminal() -> None:
    """All three streams are the caller's terminal, and it is the controlling one."""
    screen = Console()
    terminal = os.open(screen.name, os.O_RDWR | os.O_NOCTTY)
    try:
        file = Path(f"/tmp/{SENTINEL}.inittab")
        file.write_text(INITTAB)
        words = ["setsid", "--ctty", "--wait", *command(file, "--command", python(TYPE))]
        streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
        done = subprocess.run(words, cwd=REPOSITORY, timeout=60, check=False, **streams)  # type: ignore[call-overload]
        screen.expect(b"tried")
        assert done.returncode == 0, screen.said
        assert not select.select([terminal], [], [], 0.5)[0]
    finally:
        file.unlink()
        os.close(terminal)
        screen.close()


def test_the_callers_log_is_not_rewritten(attempt: Try, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as opened:
        opened.write(b"what was there before\n")
        opened.flush()
        reopen = "for fd in 0 1 2; do : >/proc/self/fd/$fd; truncate -s 0 /proc/self/fd/$fd; cat </proc/self/fd/$fd; done"
        tries = f"timeout 1 sh -c {shlex.quote(reopen)}; {python('import os; os.lseek(1, 0, 0); os.ftruncate(1, 0)')}"
        done = attempt(
            f"{tries}; echo at the end", capture_output=False, stdout=opened, stderr=subprocess.STDOUT
        )
    assert done.returncode == 0
    assert log.read_bytes().startswith(b"what was there before\n")
    assert b"at the end" in log.read_bytes()


def test_output_is_filtered_unless_told_otherwise(attempt: Try) -> None:
    evil = r"printf 'a\033]52;c;eA==\007\033[6n\033[?1000h\2336n\302\2336n\033[31mb'"
    script = f"{evil}; {evil} >/dev/console; {evil} >&2; sleep 1.5"
    done = attempt(script)
    for said in done.stdout, done.stderr:
        assert not re.search(rb"52;c|\033\[6n|\[\?1000h|\x9b", said), said
        assert b"a" in said
        assert b"\033[31mb" in said
        assert said.rindex(b"\033[0m") > said.rindex(b"\033[31m")
    assert b"\033]52;c;eA==\007" in attempt(script, "--raw").stdout


# 3. Confinement.

HARMS = [
    "mount -t tmpfs x /mnt", "mount -t ramfs x /mnt", "mount -t devtmpfs dev /mnt", "mount --bind / /mnt",
    "mount --move /usr /mnt", "mount -o remount,rw /usr", "mount -o remount,bind,rw /usr", "umount /usr", "umount -l /usr",
    "umount /proc/sys", "umount -l /proc", "umount /sys", "umount /dev/null", "mount -o remount,rw /proc/sys",
    "mount -o remount,bind,rw /proc/sys", "mount -o remount,bind,rw /sys", "mount -t proc p /mnt", "mount -t sysfs s /mnt",
    "mount -t overlay -o lowerdir=/usr,upperdir=/tmp,workdir=/run o /mnt", "mount -o remount,size=100g /",
    "unshare --mount true", "unshare --user true", "unshare --user --map-root-user --mount umount /usr",
    "unshare --pid --fork true", "nsenter --target 1 --mount true", "pivot_root / /mnt",
    "touch /usr/harm", "touch /dev/null", "touch /etc/localtime", "chmod 600 /dev/null", "chown 1 /dev/zero",
    "mknod /tmp/d b 8 0", "mknod /tmp/c c 1 1", "date -s 12:00", "hostname harm",
    "echo 1 >/proc/sys/kernel/sysrq", "echo h >/proc/sys/kernel/domainname", "echo 9 >/proc/sys/user/max_user_namespaces",
    "echo c >/proc/sysrq-trigger", "echo 1 >/proc/sys/vm/drop_caches", "echo x >/sys/power/state", "dmesg",
    "test -s /proc/kmsg", "test -s /proc/keys", "test -s /proc/kallsyms", "test -s /proc/kcore",
    "chmod u+s /tmp/sh && setpriv --reuid 1 /tmp/sh -p -c 'test $(id -u) = 0'",
    "setpriv --inh-caps +sys_admin --ambient-caps +sys_admin umount /usr",
]  # fmt: skip


def test_no_harm(attempt: Try) -> None:
    """Each beside ``true``, which is done, so that the list is tried at all."""
    lines = [
        f"if ( {harm} ) >/dev/null 2>&1; then echo {shlex.quote('done: ' + harm)}; fi"
        for harm in ["true", *HARMS]
    ]
    done = attempt("cp /bin/sh /tmp/sh\n" + "\n".join(lines))
    assert re.findall(b"done: (.*)", done.stdout) == [b"true"]
    assert b"settled" in done.stderr, done


CALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"x86_64": dict(keyctl=250, add_key=248, bpf=321, perf=298, uffd=323)}
GENERIC = dict(keyctl=219, add_key=217, bpf=280, perf=241, uffd=282)
numbers = {**NUMBERS.get(os.uname().machine, GENERIC), "io_uring": 425, "open_tree": 428, "fsopen": 430}
def call(name, *words):
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(numbers[name]), *words) >= 0 or ctypes.get_errno() != 1: print("allowed", name)
call("keyctl", 0, ctypes.c_long(-3), 0); call("keyctl", 6, ctypes.c_long(-3))
call("add_key", b"user", b"x", b"y", 1, ctypes.c_long(-3)); call("bpf", 0, None, 0)
call("perf", None, 0, -1, -1, 0); call("uffd", 1); call("io_uring", 1, None)
call("open_tree", -100, b"/usr", 1); call("fsopen", b"tmpfs", 0)
if libc.unshare(0x10000000) == 0: print("allowed userns")
pid = libc.syscall(ctypes.c_long(56 if os.uname().machine == "x86_64" else 220), 0x10000011, 0, 0, 0, 0)
if pid == 0: os._exit(0)
if pid > 0: print("allowed clone")
print("tried")
"""


def test_calls_that_are_refused(attempt: Try) -> None:
    assert attempt(python(CALLS), "--console", "/dev/null").stdout.split(b"\n")[:-1] == [b"tried"]


def test_the_compatible_abis_are_refused(attempt: Try) -> None:
    """Their numbers of the same calls are others: those of x32, and 32 bits by int 0x80."""
    if os.uname().machine != "x86_64":
        pytest.skip("x86-64 alone has them")
    x32 = "import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(ctypes.c_long(0x40000000 + 39)); "
    assert attempt(python(x32 + "print(ctypes.get_errno())"), "--console", "/dev/null").stdout == b"1\n"


def test_root_inside_has_what_an_init_needs_and_no_more(attempt: Try) -> None:
    said = attempt("cat /proc/1/status /proc/self/status").stdout.decode()
    effective = {int(caps, 16) for caps in re.findall(r"Cap(?:Prm|Eff|Bnd):\t(\w+)", said)}
    assert effective == {0x44C05FB}
    assert re.findall(r"NoNewPrivs:\t(\d)", said) == ["1", "1"]
    assert re.findall(r"Seccomp:\t(\d)", said) == ["2", "2"]


def test_real_root_is_never_mapped(attempt: Try) -> None:
    (line,) = attempt("cat /proc/self/uid_map", "--console", "/dev/null").stdout.splitlines()
    assert int(line.split()[1]) > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="about root")
@pytest.mark.parametrize(
    "around",
    [
        "unshare --user --map-root-user",  # root, of whom nobody else's ids can be mapped
        "setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin",
        "setpriv --bounding-set=-setuid --inh-caps=-setuid",
        'unshare --mount sh -c \'mount --bind /dev/null /proc/keys && exec "$0" "$@"\'',  # as containers do
    ],
)
def test_without_the_rights_for_it_there_is_none(around: str, tmp_path: Path) -> None:
    (tmp_path / "inittab").write_text(INITTAB)
    words = [*shlex.split(around), *command(tmp_path / "inittab", "--command", "cat /proc/self/uid_map")]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (125, b""), done
    assert re.search(rb"inittab-try: (setresuid|unshare|write|mount)\(.*; ", done.stderr), done


# 4. Keyrings and limits.

CALLER = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
keyctl, add_key = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
libc.syscall(ctypes.c_long(keyctl), ctypes.c_long(1), None)
key = libc.syscall(ctypes.c_long(add_key), b"user", b"KEY", b"x", ctypes.c_long(1), ctypes.c_long(-3))
assert key > 0
libc.syscall(ctypes.c_long(keyctl), ctypes.c_long(5), ctypes.c_long(key), ctypes.c_long(0x3f3f3f3f))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_the_callers_keys_are_not_seen(tmp_path: Path) -> None:
    (tmp_path / "inittab").write_text(INITTAB)
    words = command(
        tmp_path / "inittab",
        "--command",
        "cat /proc/keys /proc/key-users; echo tried",
        "--console",
        "/dev/null",
    )
    caller = [sys.executable, "-c", CALLER.replace("KEY", SENTINEL), *words]
    done = subprocess.run(caller, cwd=REPOSITORY, capture_output=True, timeout=60, check=False)
    if done.returncode == 1 and b"AssertionError" in done.stderr:
        pytest.skip("a kernel without keyrings")
    assert done.stdout == b"tried\n", done


FILL = {
    "private": "b = bytearray(400 << 20)",
    "shared": "import mmap; m = mmap.mmap(-1, 400 << 20); [m.__setitem__(n, 1) for n in range(0, 400 << 20, 4096)]",
    "files": "f = open('/tmp/x', 'wb'); [f.write(bytes(1 << 20)) for n in range(400)]",
    "memfd": "import os; f = os.memfd_create('x'); [os.write(f, bytes(1 << 20)) for n in range(400)]",
    "shm": "f = open('/dev/shm/x', 'wb'); [f.write(bytes(1 << 20)) for n in range(400)]",
}


@pytest.mark.parametrize("fill", FILL.values(), ids=FILL)
def test_memory_is_limited(fill: str, attempt: Try) -> None:
    done = attempt(python(fill + "; print('filled')"), "--memory", "128M")
    assert b"filled" not in done.stdout
    assert done.returncode, done


BOMB = """
import os, time
for user in range(1, 40):
    try: os.setresuid(-1, -1, -1)
    except OSError: pass
    pid = os.fork() if user < 20 else 0
    if not pid: break
if pid == 0 and user < 20:
    try: os.setresuid(user, user, user)
    except OSError: pass
made = 0
try:
    for _ in range(20 if user < 20 else 1):
        if not os.fork(): time.sleep(4); os._exit(0)
        made += 1
except OSError: pass
print(made, flush=True)
time.sleep(3)
"""


def test_processes_are_limited_over_all_users_inside(attempt: Try) -> None:
    """A user may not have as many again by being another one."""
    done = attempt(python(BOMB), "--pids", "60")
    made = sum(int(line) for line in done.stdout.split() if line.isdigit())
    assert 10 < made < 60, done


def test_output_is_limited(attempt: Try) -> None:
    done = attempt("exec yes 0123456789012345678901234567890123456789", capture_output=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    assert done.returncode == 124, done
    assert b"MiB of output" in done.stderr


# 5. What is left behind.

TRAP = """
import ctypes, os, signal, sys, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for fd in range(3): os.close(fd)
time.sleep(1000)
"""


def family(pid: int) -> list[int]:
    """A process and all that come from it, by levels."""
    found = [pid]
    for parent in found:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        found += map(int, children.read_text().split()) if children.exists() else []
    return found


def marked() -> list[str]:
    """Processes with the sentinel in their command line, wherever they are."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if SENTINEL.encode() in line.read_bytes() and int(line.parent.name) != os.getpid():
                found.append(line.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("victim", range(6), ids=["make", "inittab-try", "keeper", "outer", "stub", "init"])
def test_kill_9_leaves_nothing(victim: int, tmp_path: Path) -> None:
    """Of whichever process; although the inside has cleared its parent-death signal and ignores all others."""
    trap = tmp_path / "trap"
    trap.write_text(TRAP)
    file = tmp_path / "inittab"
    file.write_text(INITTAB + f"t:2:once:/usr/bin/python3 /trap/trap {SENTINEL}\n")
    for path in tmp_path, *tmp_path.parents[:2]:
        path.chmod(0o755)
    words = command(file, "--bind", f"{tmp_path}:/trap", "--command", f"sleep 1000 # {SENTINEL}")
    makefile = tmp_path / "Makefile"
    makefile.write_text("run:\n\t@" + shlex.join(words).replace("$", "$$") + "\n")
    make = subprocess.Popen(["make", "-f", str(makefile)], cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        wait_until(
            lambda: len(family(make.pid)) >= 8 and len(marked()) >= 3, lambda: str(family(make.pid)), 30
        )
        time.sleep(0.3)
        os.kill(family(make.pid)[victim], signal.SIGKILL)
        make.wait(20)
        wait_until(lambda: not marked(), lambda: str(marked()), 20)
    finally:
        for pid in [make.pid, *map(int, marked())]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        make.wait()
    wait_until(lambda: not groups(), lambda: str(groups()))


def groups() -> list[Path]:
    """Control groups that nobody is there any more to remove."""
    namespace = os.stat("/proc/self/ns/pid").st_ino  # other tests may run in another one
    found = glob.glob(f"/sys/fs/cgroup/**/inittab-try.{namespace}.*", recursive=True)
    return [path for path in map(Path, found) if not Path("/proc", path.suffix[1:]).exists()]


def test_an_end_that_is_told_is_true(tmp_path: Path) -> None:
    """The keeper is killed: when that is said, PID 1 is gone."""
    file = tmp_path / "inittab"
    file.write_text(INITTAB)
    program = subprocess.Popen(command(file, "--command", "sleep 1000"), cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    wait_until(lambda: len(family(program.pid)) >= 7, lambda: str(family(program.pid)), 30)
    inside = family(program.pid)[4:]
    os.kill(family(program.pid)[1], signal.SIGKILL)
    said = program.communicate(timeout=20)[1]
    assert (program.returncode, b"killed by signal 9" in said) == (1, True), said
    assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]


# 6. FILE, whoever has made it.

MAKE: dict[str, Callable[[Path, Path], object]] = {
    "a FIFO": lambda file, _: os.mkfifo(file),
    "a socket": lambda file, _: os.mknod(file, stat.S_IFSOCK | 0o666),
    "a device": lambda file, _: file.symlink_to("/dev/zero"),
    "a terminal": lambda file, _: file.symlink_to("/dev/ptmx"),
    "a link out": lambda file, secret: file.symlink_to(secret),
    "a relative link out": lambda file, secret: file.symlink_to(os.path.relpath(secret, file.parent)),
    "a link to a descriptor": lambda file, _: file.symlink_to("/proc/self/environ"),
    "a link to itself": lambda file, _: file.symlink_to(file.name),
    "a folder": lambda file, _: file.mkdir(),
}


@pytest.mark.parametrize("name", ["inittab", "inittab.d/x.tab", "inittab.d"])
@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_folder_of_a_stranger(
    make: Callable[[Path, Path], object], name: str, secret: Path, tmp_path: Path
) -> None:
    if make is MAKE["a folder"] and name == "inittab.d":
        pytest.skip("it is one")
    folder = Path(f"/tmp/{SENTINEL}.etc")
    subprocess.run(["rm", "-rf", folder], check=True)
    (folder / "inittab.d").mkdir(parents=True)
    (folder / "inittab").write_text(INITTAB)
    if name == "inittab.d":
        (folder / name).rmdir()
    (folder / name).unlink(missing_ok=True) if name == "inittab" else None
    make(folder / name, secret)
    try:
        done = subprocess.run(command(folder, "--command", "cat /etc/inittab /etc/inittab.d/*"), cwd=REPOSITORY,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)  # fmt: skip
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    assert done.returncode == 2, done
    assert SENTINEL.encode() + b"-content" not in done.stdout + done.stderr
    assert str(folder / name).encode() in done.stderr


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "inittab.d").mkdir()
    (tmp_path / "all.d").mkdir()
    (tmp_path / "inittab").write_text(INITTAB)
    (tmp_path / "all.d" / "one.tab").write_text(f"m2:2:once:/bin/echo {SENTINEL}\n")
    (tmp_path / "inittab.d" / "one.tab").symlink_to("../all.d/one.tab")
    done = subprocess.run(command(tmp_path), cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=30, check=False)  # fmt: skip
    assert SENTINEL.encode() in done.stdout, done


@pytest.mark.parametrize("what", ["fifo", "/dev/zero", "/dev/ptmx"])
def test_what_is_no_file(what: str, tmp_path: Path) -> None:
    if what == "fifo":
        what = str(tmp_path / what)
        os.mkfifo(what)
    for words in command(what), [*command(), "--init", what]:
        done = subprocess.run(words, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=20, check=False)  # fmt: skip
        assert done.returncode == 2, done
        assert b"not a regular file" in done.stderr


# What has held from the beginning.


def test_nothing_of_the_caller_is_seen_inside(attempt: Try, secret: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0{SENTINEL}")
    server.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    descriptor = os.open(secret, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    look = f"""
import os, socket
print("env", sorted(os.environ))
print("fds", sorted(os.listdir("/proc/self/fd"))[:-1])
print("1", sorted(fd for fd in os.listdir("/proc/1/fd") if "sock" in os.readlink("/proc/1/fd/" + fd) or "/tmp" in
    os.readlink("/proc/1/fd/" + fd)))
print("pids", max(int(p) for p in os.listdir("/proc") if p.isdigit()) < 100)
print("files", os.path.exists("{secret}"), os.path.exists("/home/" + os.environ.get("USER", "x")), os.getcwd())
for kind, address in ((socket.AF_UNIX, "\\0{SENTINEL}"), (socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]}))):
    try: socket.socket(kind).connect(address); print("connected")
    except OSError: print("refused")
print("links", sorted(name for _, name in socket.if_nameindex())[:1])
print(open("/proc/1/environ").read().count("{SENTINEL}"))
"""
    done = attempt(
        python(look), "--console", "/dev/null", env={**os.environ, "SECRET": SENTINEL}, pass_fds=[descriptor]
    )
    os.close(descriptor)
    server.close()
    tcp.close()
    assert done.stdout.decode().splitlines() == [
        "env ['HOME', 'LC_ALL', 'PATH', 'PWD', 'SHELL', 'TERM']", "fds ['0', '1', '2']", "1 []", "pids True",
        "files False False /", "refused", "refused", "links ['lo']", "0",
    ], done  # fmt: skip


def test_nothing_of_ours_can_be_traced(attempt: Try) -> None:
    """While a command is being started, what will be it still has our rights."""
    chase = """
import ctypes, os, time
libc = ctypes.CDLL(None)
seen, until = 0, time.time() + 3
while time.time() < until:
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) > os.getpid():
            seen += 1
            if libc.ptrace(16, int(pid), 0, 0) == 0 and open(f"/proc/{pid}/comm").read() != "sh\\n": print("traced", flush=True)
"""
    done = attempt(f"echo {SENTINEL}")
    assert done.returncode == 0
    file = Path(f"/tmp/{SENTINEL}.chase")
    file.write_text(f"id:2:initdefault:\nc:2:once:/usr/bin/python3 -c {shlex.quote(chase)} >/dev/console\n")
    done = subprocess.run(command(file, "--command", "sleep 2"), cwd=REPOSITORY, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=30, check=False)  # fmt: skip
    file.unlink()
    assert b"traced" not in done.stdout, done
