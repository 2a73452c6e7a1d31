# What init and telinit do under a Python that is older than they need; the loader executes it. PID 1 becomes
# the previous init, or keeps a sulogin on the console, as its end would be a kernel panic.
# Its syntax is that of Python 3.4. The first line of the file defines sys.
# mypy: ignore-errors
# ruff: noqa: D100, D103, F821, RUF005, UP031
import posix
from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal
from time import sleep

PREVIOUS, SULOGIN, CONSOLE, PAUSE = "/sbin/init.sysv", "/sbin/sulogin", "/dev/console", 5


def report(text):
    if posix.getpid() != 1:
        sys.exit(text)
    try:
        console = posix.open(CONSOLE, posix.O_WRONLY | posix.O_NOCTTY | posix.O_NONBLOCK)
        posix.write(console, ("INIT: " + text + "\r\n").encode())
        posix.close(console)
    except OSError:
        pass  # no console: nobody to tell


def run(path, *arguments):
    "Run a program on the console and reap what else ends; return its status."
    child = posix.fork()
    if child:
        while True:
            pid, status = posix.waitpid(-1, 0)
            if pid == child:
                return status
    try:
        posix.setsid()
        console = posix.open(CONSOLE, posix.O_RDWR)
        for fd in 0, 1, 2:
            posix.dup2(console, fd)
        posix.execve(path, [path] + list(arguments), environment)
    finally:
        posix._exit(1)


def keep_a_shell(program):
    "Never return: when the shell ends, become init if Python is new enough now, else give another shell."
    while True:
        try:
            run(SULOGIN)
            if run(program, "--probe") == 0:
                posix.execve(program, sys.argv[1:], environment)
            sleep(PAUSE)
        except BaseException:
            sleep(PAUSE)  # no process, no memory, no sulogin: perhaps later


this = "%s is %d.%d" % ((sys.executable or "/usr/bin/python3",) + sys.version_info[:2])
report("%s: Python 3.11 or newer is needed, and %s" % (sys.argv[1], this))
for number in SIGPIPE, SIGXFSZ, 2:
    signal(number, SIG_DFL)  # Python has ignored two of them, and would raise an error for SIGINT
environment = dict(posix.environ)
if environment.get(b"LC_CTYPE") == b"C.UTF-8":
    del environment[b"LC_CTYPE"]  # Python's own, where no locale is set
try:
    if sys.argv[1] != PREVIOUS:
        posix.execve(PREVIOUS, [PREVIOUS] + sys.argv[2:], environment)
except OSError:
    pass
keep_a_shell(sys.argv[1])
