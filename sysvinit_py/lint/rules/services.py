"""SVC0: folders of services, as runsvdir and runsv read them.

An example is the files of a service: above each stands its path and its mode.
"""

from __future__ import annotations

import re

from sysvinit_py.lint.command import ends_with_ampersand, shell_command
from sysvinit_py.lint.daemons import DAEMONIZES, FOREGROUND, fate, foreground_option
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.services import unwrapped
from sysvinit_py.protocol.supervise import cycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.finding import Match
    from sysvinit_py.lint.services import Script, Services

#: Commands with which a script may end without exec: they take no time, or end a compound command.
_ENDS = (
    "done", "fi", "esac", "}", "exit", "return", "wait", "true", "false", ":", "sleep", "echo", "printf",
    "rm", "sv", "kill", "test",
)  # fmt: skip
_SECONDS = re.compile(rb"\s*\d{1,9}\s*")
_ELF = b"\x7fELF"
_FOREVER = re.compile(
    r"^\s*(while|until)\s+(:|true|false|\[ 1 \])\s*(;|$)|\bsleep\s+(infinity|inf)\b|\btail\s+-[fF]\b"
)


@rule("SVC001", "no-run", "error", ())
def no_run(services: Services) -> Iterator[Match]:
    """There is nothing to run.

    runsv complains once a second until there is a file ``run``. In the folder of services every folder is one
    whose name does not begin with a dot.

    Bad::

        # web/finish 755
        #!/bin/sh
        rm -f /run/web.pid

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for service in services.all:
        if service.run is None:
            yield service.match("no run: runsv will try to start it once a second")
        elif not service.run.is_file:
            yield service.match("run is not a regular file", name="run")


@rule("SVC002", "script-not-executable", "error", ())
def not_executable(services: Services) -> Iterator[Match]:
    """A script cannot be executed, as its mode does not allow it.

    Without it ``run`` is tried once a second, with a message each time; ``finish``, ``check`` and what is in
    ``control`` are left out.

    Bad::

        # web/run 644
        #!/bin/sh
        exec httpd -f

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for script in _scripts(services):
        if not script.is_executable:
            yield script.match("not executable", f"chmod +x {script.path}")


@rule("SVC003", "no-interpreter", "error", ())
def no_interpreter(services: Services) -> Iterator[Match]:
    """A script has no first line that says what executes it.

    The kernel then refuses it, and runsv says so: exec format error. With a carriage return at the end of the
    line it looks for an interpreter that has this in its name.

    Bad::

        # web/run 755
        exec httpd -f

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for script in _scripts(services):
        if not script.first and not script.content.startswith(_ELF):
            yield script.match("no first line with #! and an interpreter: the kernel will not execute it")
        elif script.first.endswith("\r"):
            yield script.match("a carriage return ends the first line, and is taken for part of the name")
        elif script.first and not script.first[2:].split():
            yield script.match("no interpreter behind #!")


@rule("SVC004", "goes-to-background", "warning", ())
def goes_to_background(services: Services) -> Iterator[Match]:
    """The program detaches itself, or is sent to the background.

    What runsv started ends at once then: it starts the next one a second later, again and again, and none of
    them is what it controls.

    Bad::

        # ssh/run 755
        #!/bin/sh
        exec /usr/sbin/sshd

    Good::

        # ssh/run 755
        #!/bin/sh
        exec /usr/sbin/sshd -D
    """
    for script in _runs(services):
        if not script.lines:
            continue
        number, pieces = script.lines[-1]
        if ends_with_ampersand(pieces):
            yield script.match("ends with &: what runsv supervises is gone at once", line=number)
        elif script.last:
            command = unwrapped(script.last)
            if fate(command)[0] == DAEMONIZES:
                option = foreground_option(command.name)
                hint = f"{command.name} stays with {option}" if option else ""
                yield script.match(f"{command.name} goes to the background", hint, number)


@rule("SVC005", "no-exec", "warning", ())
def no_exec(services: Services) -> Iterator[Match]:
    """The last command is not executed in the place of the shell.

    Signals of sv go to the shell then: after ``sv down`` the shell is gone and the program runs on, and the
    next start finds its port in use.

    Bad::

        # web/run 755
        #!/bin/sh
        httpd -f

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for script in _runs(services):
        command = script.last
        if command is None or command.said_exec or command.background or command.name in _ENDS:
            continue
        if re.search(
            rf"^\s*{re.escape(command.name)}\s*\(\)".encode(errors="surrogateescape"), script.content, re.M
        ):
            continue  # a function, which may execute something
        if not any(piece.text in ("wait", "trap") for _, pieces in script.lines for piece in pieces):
            yield script.match(
                f"{command.name} is run without exec: signals go to the shell", line=script.lines[-1][0]
            )


@rule("SVC006", "no-logger", "warning", ())
def no_logger(services: Services) -> Iterator[Match]:
    """What is called log is no logger.

    runsv wants a folder ``log`` with a ``run`` in it, which reads the service's output. With anything else of
    this name it starts no logger.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/log 644
        a line

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/log/run 755
        #!/bin/sh
        exec svlogd /var/log/web
    """
    for service in services.all:
        if "log" in service.names and not service.log:
            yield service.match("log is not a folder: no logger is started", name="log")
        elif service.log and not (service.log.run and service.log.run.is_file):
            yield service.log.match("no run in it: nobody reads the output of the service, which will block")


@rule("SVC007", "stays-down", "info", ())
def stays_down(services: Services) -> Iterator[Match]:
    """A file down keeps the service from being started.

    That is meant where it is started by hand, and often was forgotten. In ``log`` it keeps the logger down,
    and the service blocks when the pipe is full.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/down 644

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for service in services.all:
        for what, folder in (("service", service), ("logger", service.log)):
            if folder and "down" in folder.names:
                yield folder.match(f"the {what} is not started until sv does", name="down")


@rule("SVC008", "endless-finish", "warning", ())
def endless_finish(services: Services) -> Iterator[Match]:
    """finish does not end.

    The service is started again when ``finish`` has ended, not before; ``sv down`` waits for it, too.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/finish 755
        #!/bin/sh
        exec tail -f /var/log/web

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/finish 755
        #!/bin/sh
        rm -f /run/web.pid
    """
    for service in services.all:
        script = service.script("finish")
        if not script:
            continue
        for number, pieces in script.lines:
            command = shell_command(pieces)
            stays = command and not command.background and fate(command)[0] == FOREGROUND
            if stays or _FOREVER.search(" ".join(piece.text for piece in pieces)):
                yield script.match("does not end, and so the service is never started again", line=number)


@rule("SVC009", "same-folder", "warning", ())
def same_folder(services: Services) -> Iterator[Match]:
    """Two names lead to the same folder.

    Only one runsv can lock ``supervise/lock``; C's runsvdir tries to start another one every few seconds.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # www -> web

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    seen: dict[tuple[int, int], str] = {}
    for service in services.all:
        first = seen.setdefault(service.identity, service.path)
        if first != service.path:
            yield service.match(f"leads to the same folder as {first}: only one of them is supervised")


@rule("SVC010", "exposed-service", "error", ())
def exposed_service(services: Services) -> Iterator[Match]:
    """Somebody else can change what is executed.

    That one decides what runs with the rights of runsv, mostly root's.

    Bad::

        # web/run 777
        #!/bin/sh
        exec httpd -f

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
    """
    for script in _scripts(services):
        if script.exposed:
            yield script.match(script.exposed, f"chmod o-w {script.path}")


@rule("SVC011", "no-number-to-wait", "warning", ())
def no_number_to_wait(services: Services) -> Iterator[Match]:
    """The file wait, or backoff, is not a number of seconds.

    The first says how long the service takes to stop. If sv does not understand it, it waits 7 seconds, and
    ``sv force-stop`` then kills. The second is the longest pause after early ends; else it is a second.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/wait 644
        30s

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/wait 644
        30
    """
    for service in services.all:
        for name, instead in (("wait", "sv waits 7 seconds"), ("backoff", "each pause is a second")):
            file = service.settings.get(name)
            if file and not _SECONDS.fullmatch(file.content):
                yield service.match(f"not a number of seconds: {instead}", name=name)


@rule("SVC012", "needs-never-met", "error", ())
def needs_never_met(services: Services) -> Iterator[Match]:
    """What the service needs is not there, or needs this service.

    Its start is held until each service that its file ``needs`` names is up, which will never be.

    Bad::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/needs 644
        db

    Good::

        # web/run 755
        #!/bin/sh
        exec httpd -f
        # web/needs 644
        db
        # db/run 755
        #!/bin/sh
        exec postgres
    """
    needs = {service.name: service.needs for service in services.all}
    for service in services.all:
        for name, line in service.needs.items():
            if services.names and name not in services.names:
                yield service.match(f"needs {name}, which is not in this folder", "", "needs", line)
        if way := cycle(service.name, lambda name: needs.get(name, ())):
            text = f"needs {', which needs '.join(way)}: none of them is started"
            yield service.match(text, "", "needs", service.needs[way[0]])


def _scripts(services: Services) -> Iterator[Script]:
    for service in services.all:
        yield from (script for script in service.scripts if script.is_file)


def _runs(services: Services) -> Iterator[Script]:
    """Yield what has to stay: run, and that of the logger."""
    for service in services.all:
        for folder in (service, service.log):
            if folder and folder.run:
                yield folder.run
