"""INT9: what ``init --container`` refuses, never runs, or takes for a reason to end the container."""

from __future__ import annotations

import re

from sysvinit_py.inittab.actions import BOOT_ACTIONS, EVENT_ACTIONS, LEVEL_ACTIONS, RESPAWNED
from sysvinit_py.inittab.entry import DIGIT_LEVELS
from sysvinit_py.inittab.options import of_entry
from sysvinit_py.lint.command import Word, ends_with_ampersand, shell_command, tokens
from sysvinit_py.lint.daemons import DAEMONIZES, fate
from sysvinit_py.lint.finding import Match, printable
from sysvinit_py.lint.inittab import ACTION, PROCESS, RUNLEVELS
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.rules.completeness import defaults
from sysvinit_py.lint.rules.options import file_options, options_of
from sysvinit_py.lint.rules.runlevels import DEMANDED
from sysvinit_py.lint.targets import CONTAINER
from sysvinit_py.pid1.container import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.inittab.options import Word as Option
    from sysvinit_py.lint.command import Command, Token
    from sysvinit_py.lint.inittab import EntryView, Inittab

ONLY = (CONTAINER,)
MAIN = of_entry("main")
LEVELS = "".join(level for level in DIGIT_LEVELS if level not in policy.STOP_LEVELS)


def entered(inittab: Inittab) -> str:
    """Return the level that is entered; of those that cannot be known, or are refused, all that may be."""
    level = policy.level_of(tuple(view.entry for view in inittab.views))
    return level if level in LEVELS and (defaults(inittab) or not inittab.fragment) else LEVELS


def started(inittab: Inittab) -> list[tuple[EntryView, dict[str, Option]]]:
    """Return the entries that are started by themselves when the container is, each with its options."""
    options, levels = options_of(inittab), set(entered(inittab))
    return [
        (view, options.get(view.place, {}))
        for view in inittab.views
        if view.entry.command
        and (view.action in BOOT_ACTIONS or (view.action in LEVEL_ACTIONS and levels & set(view.levels)))
    ]


def _at(view: EntryView, option: Option, message: str, hint: str) -> Match:
    """Return a match on an option of a comment above the entry."""
    return Match(view.entry.file, option.line, option.span.start, option.span.end, message, hint)


@rule("INT901", "refused-default", "error", ONLY)
def refused_default(inittab: Inittab) -> Iterator[Match]:
    """initdefault names a level that no container can be started in.

    Levels 0 and 6 would end it at once, S is for a machine's administrator, and what is not a level cannot be
    asked for, as nobody is there to answer. init refuses to start. Without initdefault it enters level 2.

    Bad::

        id:S:initdefault:
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"

    Good::

        id:2:initdefault:
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"
    """
    for view in defaults(inittab)[:1]:
        for problem in policy.bad_level(max(view.runlevels.upper(), default="9"), "initdefault"):
            yield view.match(RUNLEVELS, problem, "name one of 1 to 5, as in id:2:initdefault:")


@rule("INT902", "nothing-to-run", "error", ONLY)
def nothing_to_run(inittab: Inittab) -> Iterator[Match]:
    """No entry is started in the level that is entered.

    What is run at boot only is not enough. init refuses to start, unless it is given a command. Without
    initdefault the level is 2. A part of an inittab (``--fragment``, a ``.tab`` file) is not asked for it.

    Bad::

        id:3:initdefault:
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"

    Good::

        id:2:initdefault:
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"
    """
    runs = any(view.action in LEVEL_ACTIONS for view, _ in started(inittab))
    if not (inittab.fragment or runs or entered(inittab) is LEVELS):
        yield inittab.match(f"nothing to run in level {entered(inittab)}")


@rule("INT903", "second-main", "error", ONLY)
def second_main(inittab: Inittab) -> Iterator[Match]:
    """Two entries that are started are marked as main.

    The container ends when the main entry does, and with its exit status. Of two it is chance which ends
    first: what is not meant to end the container is not main. init starts all the same.

    Bad::

        # inittab: main
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"
        # inittab: main
        app:2:once:/usr/local/bin/app

    Good::

        web:2:respawn:/usr/sbin/nginx -g "daemon off;"
        # inittab: main
        app:2:once:/usr/local/bin/app
    """
    may_be = policy.SERVICE, policy.BESIDE
    mains = [each for each in started(inittab) if "main" in each[1] and policy.role(each[0].entry) in may_be]
    for view, given in mains[1:]:
        first = mains[0][0]
        message = f"a second main: {printable(first.id)} in line {first.entry.line} is the first"
        yield _at(view, given["main"], message, "leave one")


@rule("INT904", "never-called", "warning", ONLY)
def never_called(inittab: Inittab) -> Iterator[Match]:
    """The entry waits for an event that a container never has.

    There is no power supply, no keyboard and no suspend: SIGPWR, SIGINT and SIGWINCH stop the container, or
    are passed on. What has to be done at the stop is a wait entry of level 0.

    Bad::

        pf:2:powerfail:/usr/local/bin/save-all

    Good::

        bye:0:wait:/usr/local/bin/save-all
    """
    for view in inittab.views:
        if view.action in EVENT_ACTIONS:
            hint = "for the stop, write a wait entry of level 0"
            yield view.match(ACTION, f"{view.action} never happens in a container", hint)


@rule("INT905", "other-level", "info", ONLY)
def other_level(inittab: Inittab) -> Iterator[Match]:
    """The entry is of levels that the container does not enter.

    It enters the level of initdefault, and none other by itself. At the stop the wait entries of level 0 are
    run, and nothing else of that level. An inittab that a machine uses, too, may well have such entries.

    Bad::

        id:2:initdefault:
        web:3:respawn:/usr/sbin/nginx -g "daemon off;"
        app:2:respawn:/usr/local/bin/app

    Good::

        id:2:initdefault:
        web:2:respawn:/usr/sbin/nginx -g "daemon off;"
        app:2:respawn:/usr/local/bin/app
    """
    level = entered(inittab)
    where = "no container enters it" if level is LEVELS else f"the container enters level {level}"
    for view in inittab.views:
        runs = {*level, *DEMANDED, *(policy.STOP_LEVELS if view.action == "wait" else "")}
        if view.action in LEVEL_ACTIONS and runs.isdisjoint(view.levels):
            yield view.match(RUNLEVELS, f"not started: {where}")


@rule("INT906", "set-up-may-end-it", "info", ONLY)
def set_up_may_end_it(inittab: Inittab) -> Iterator[Match]:
    """If this set-up fails the container ends.

    sysinit, boot, bootwait and wait entries prepare what the others need. If one ends with another status
    than 0, nothing after it is started, what runs is stopped, and the container ends with that status. On a
    machine init goes on. Where failing does no harm, write ``|| true``.

    Bad::

        mk:2:wait:/bin/mkdir /run/app
        app:2:respawn:/usr/local/bin/app

    Good::

        mk:2:wait:/bin/mkdir /run/app || true
        app:2:respawn:/usr/local/bin/app
    """
    for view, _ in started(inittab):
        if policy.role(view.entry) == policy.SETUP and not _CANNOT_FAIL.search(view.entry.command):
            message = "if this ends with another status than 0 the container ends with it"
            yield view.match(PROCESS, message, "add || true where that does no harm")


#: The last command, of which the exit status is, always ends with 0; or what is last is in the background.
_CANNOT_FAIL = re.compile(
    r"""(?:(?:^|\|\||;)\s*(?:[^\s;|&]*/)?(?:true|:|exit\s0|(?:echo|printf)\b(?:(?!&&)[^|;])*)|(?<!&)&)[\s'"]*$"""
)


@rule("INT907", "unwatched", "warning", ONLY)
def unwatched(inittab: Inittab) -> Iterator[Match]:
    """Something is put into the background, where init does not watch it.

    It is told to stop with the others, but it is not started again when it ends, and its exit status is
    lost. Give it an entry of its own, in the foreground. A daemon that forks, and an init script that starts
    one, are the same. Of a respawn entry that ends at once INT405 tells.

    Bad::

        go:2:wait:/usr/sbin/cron; /usr/local/bin/worker &

    Good::

        cron:2:respawn:/usr/sbin/cron -f
        work:2:respawn:/usr/local/bin/worker
    """
    for view in inittab.views:
        if not view.command or view.action in ("off", "initdefault"):
            continue
        is_service = view.action in RESPAWNED
        last = ends_with_ampersand(view.tokens) if is_service else None
        for token in filter(_is_ampersand, view.tokens):
            if token is not last:
                yield view.match_word(token, "what is put into the background is not watched by init")
        if not is_service and (why := _leaves_daemon(view.command)):
            message = f"{printable(view.name)} {why}, which init does not watch"
            yield view.match_word(view.command.program, message)


def _is_ampersand(token: Token) -> bool:
    return token.kind == "operator" and token.text == "&"


def _leaves_daemon(command: Command) -> str:
    """Return what it does to leave a daemon behind; empty if it does not, or nobody knows."""
    if command.script:
        pieces = list(tokens(command.script, 0))
        inner = shell_command(pieces)
        if any(map(_is_ampersand, pieces)):
            return "puts a command into the background"
        return _leaves_daemon(inner) if inner else ""
    if command.is_init_script or command.name in ("service", "invoke-rc.d", "rc-service"):
        starts = any(word.text in ("start", "restart") for word in command.operands)
        return "starts a daemon" if starts else ""
    return "goes to the background" if fate(command)[0] == DAEMONIZES else ""


@rule("INT908", "no-terminal", "warning", ONLY)
def no_terminal(inittab: Inittab) -> Iterator[Match]:
    """A getty, a login or a shell is started, and a container has no terminal for it.

    It ends at once, is respawned until it is throttled, and that ends the container. To look inside, use the
    engine: ``podman exec -it NAME sh``. A shell that is main, in a container with a terminal, is right.

    Bad::

        1:2345:respawn:/sbin/getty 38400 tty1

    Good::

        app:2345:respawn:/usr/local/bin/app
    """
    for view, given in started(inittab):
        talks = view.is_interactive and view.action in RESPAWNED and "main" not in given
        if view.command and (talks or view.is_getty or view.name in ("login", "sulogin")):
            message = f"a container has no terminal for {printable(view.name)}"
            yield view.match_word(view.command.program, message)


#: Signals that end no program which does nothing about them.
_HARMLESS = ("CHLD", "CLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "WINCH")
#: Programs that TERM does not end, or not in time: what they do, what ends them, an option that changes it.
_DEAF = {
    "uwsgi": ("reloads itself, unless told to die-on-term", "INT", "--die-on-term"),
    "postgres": ("waits until all clients have left", "INT", ""),
    "postmaster": ("waits until all clients have left", "INT", ""),
    "squid": ("waits 30 seconds for its clients", "INT", ""),
}
_SHELL = "ignores TERM when it is interactive", "HUP", ""
_IGNORES_TERM = re.compile(r"""\btrap\s+(''|"")\s[^;&|'"]*\b(SIG)?(TERM|15)\b""")
#: Apache takes it as a wish to stop once all is answered.
_STOPPED_BY_WINCH = ("httpd", "apache2", "apachectl", "apache2ctl")


@rule("INT909", "deaf-to-stop", "warning", ONLY)
def deaf_to_stop(inittab: Inittab) -> Iterator[Match]:
    """The signal that is to stop the entry does not end it.

    The container waits out its grace, 8 seconds unless a comment says otherwise, kills the entry, and ends
    with status 137. Some programs take another signal than TERM for the end; ``stop=`` names it. An
    interactive shell ignores TERM.

    Bad::

        db:2:respawn:/usr/bin/postgres -D /var/lib/postgres

    Good::

        # inittab: stop=INT
        db:2:respawn:/usr/bin/postgres -D /var/lib/postgres
    """
    for view, given in started(inittab):
        stop = given.get("stop")
        name = stop.text.partition("=")[2].removeprefix("SIG") if stop else "TERM"
        if stop and name in _HARMLESS and not (name == "WINCH" and view.name in _STOPPED_BY_WINCH):
            yield _at(view, stop, f"{name} ends no program by itself", "name another one")
        if not view.command or name != "TERM":
            continue
        talks = view.is_interactive and "main" in given
        does, better, option = _SHELL if talks else _DEAF.get(view.name, ("", "", ""))
        if does and not (option and view.command.has_option(option)):
            message = f"TERM does not end {printable(view.name)}: it {does}"
            yield view.match_word(view.command.program, message, f"add # inittab: stop={better} above it")
        elif _IGNORES_TERM.search(view.process):
            yield view.match(PROCESS, "the shell is told to ignore TERM, with which it is stopped")


@rule("INT910", "no-machine", "info", ONLY)
def no_machine(inittab: Inittab) -> Iterator[Match]:
    """A command is to halt or reboot the machine.

    In levels 0 and 6 it is passed over, as init ends the container by itself; that is right for an inittab
    that a machine uses, too. Elsewhere it fails: a container has not the capability. ``telinit 0`` ends it.

    Bad::

        app:2:respawn:/usr/local/bin/app
        off:2:once:/bin/sleep 60 && /sbin/halt

    Good::

        app:2:respawn:/usr/local/bin/app
        off:2:once:/bin/sleep 60 && /sbin/telinit 0
    """
    for view in inittab.views:
        if view.action in EVENT_ACTIONS or view.action in ("off", "initdefault"):
            continue
        for found in _POWER.finditer(view.process):
            at_stop = view.action == "wait" and set(view.levels) <= set(policy.STOP_LEVELS)
            passed_over = at_stop and found.start("path") == view.command_start
            what = "is passed over: init ends the container" if passed_over else "fails in a container"
            yield view.match_word(Word(found["path"], *found.span("path")), f"{found['name']} {what}")


#: Where sh looks for a command: one that has to do with the power.
_POWER = re.compile(
    rf"""(?:^[+@]*|[;&|(){{}}]|\b(?:then|do|else|if|exec|command|nohup)\s)\s*
    (?P<path>(?:/[^\s;&|()]*/)?(?P<name>{"|".join(policy.PASSED_OVER)}))(?![^\s;&|)])""",
    re.VERBOSE,
)


@rule("INT911", "long-grace", "warning", ONLY)
def long_grace(inittab: Inittab) -> Iterator[Match]:
    """An entry is to have more time for its end than the container has.

    There is one grace for all, 8 seconds unless the file or the command line says otherwise; ``grace=`` of an
    entry can only be shorter. What has not ended by then is killed, and the status is 137. Give the time to
    the file, and to the engine: ``podman stop --time``, ``terminationGracePeriodSeconds``.

    Bad::

        # inittab: grace=25
        db:2:respawn:/usr/sbin/mariadbd

    Good::

        # inittab-file: grace=25
        db:2:respawn:/usr/sbin/mariadbd
    """
    graces = (*(given.grace for given in file_options(inittab)), policy.GRACE)
    grace = next(seconds for seconds in graces if seconds is not None)
    for view, options in started(inittab):
        word = options.get("grace")
        if word and word.value > grace:
            message = f"{word.text} does nothing: the container has {grace:g} seconds in all"
            yield _at(view, word, message, f"write # inittab-file: {word.text} above all entries")


@rule("INT912", "misplaced-main", "error", ONLY)
def misplaced_main(inittab: Inittab) -> Iterator[Match]:
    """An entry is marked as main that others wait for, or that is not started by the level.

    When the main entry ends, the container does. What is waited for ends before the others start, and an
    entry that is called, or that runs at boot, is not what the container is for. init refuses to start.

    Bad::

        # inittab: main
        app:2:wait:/usr/local/bin/app

    Good::

        # inittab: main
        app:2:once:/usr/local/bin/app
    """
    options = options_of(inittab)
    for view in inittab.views:
        if "main" in options.get(view.place, {}) and policy.main_is_misplaced(
            view.entry.replace(options=MAIN)
        ):
            yield view.match(ACTION, f"main above a {view.action} entry", "write respawn or once")
