"""Putting ``exec`` before a command for /bin/sh that needs the shell only to be started.

Otherwise the shell would stay until the command ends, and its pid would be the one in utmp. Lists, pipes,
groups, assignments, keywords and builtins need the shell; anything that is not evidently one simple command
is not changed.
"""

from __future__ import annotations

from stat import S_ISREG

from sysvinit_py.linux import calls

#: Keywords and builtins of dash, bash and BusyBox's ash.
_RESERVED_WORDS = (
    ". if then elif else fi for in do done while until case esac select function time coproc alias bg bind "
    "break builtin caller cd chdir command compgen complete compopt continue declare dirs disown echo enable "
    "eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd "
    "printf pushd pwd read readarray readonly return set shift shopt sleep source suspend test times trap "
    "true type typeset ulimit umask unalias unset wait"
)
_RESERVED = frozenset(_RESERVED_WORDS.split())
_FIRST_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./")
_LITERAL = _FIRST_WORD | frozenset("+-,:@%")
#: Unquoted, they make a line more than one simple command, or may do so.
_MORE = frozenset(";|&()`\n")
#: What may follow ``>&`` and ``<&``.
_DESCRIPTORS = frozenset("0123456789-")
#: Expansions, which are not parsed here.
_EXPANSIONS = ("$(", "${", "$'", '$"')


def replaced(command: str, path: str) -> str:
    """Return the command for ``sh -c``, with ``exec`` before it if that has no other effect.

    ``path``: the value of PATH for the shell.
    """
    words = command.split(None, 1)
    name = words[0] if words else ""
    if not _is_literal(name) or name in _RESERVED or not _is_simple(command) or not _is_found(name, path):
        return command
    return f"exec {command}"


def _is_literal(name: str) -> bool:
    return name[:1] in _FIRST_WORD and _LITERAL.issuperset(name)


def _is_simple(command: str) -> bool:
    """Return whether it is evidently one simple command: words, quoted or not, and redirections."""
    quote = before = ""
    at = 0
    while at < len(command):
        here = command[at]
        at += 1
        if quote == "'":
            quote = "" if here == "'" else quote
        elif here == "\\":
            at += 1
        elif here == "`" or command.startswith(_EXPANSIONS, at - 1):
            return False
        elif quote:
            quote = "" if here == '"' else quote
        elif here in "'\"":
            quote = here
        elif here == "#" and before in " \t":
            return True
        elif here in "<>":
            if command.startswith(">>", at - 1):
                at += 1
            if command.startswith(("<", ">"), at):
                return False  # a here-document, or an operator of some shells only
            if command.startswith("&", at) and command[at + 1 : at + 2] in _DESCRIPTORS:
                at += 2
        elif here in _MORE:
            return False
        before = here
    return not quote and at == len(command)


def _is_found(name: str, path: str) -> bool:
    places = [name] if "/" in name else [f"{folder}/{name}" for folder in path.split(":")]
    return any(map(_is_program, places))


def _is_program(path: str) -> bool:
    try:
        status = calls.stat(path)
    except (OSError, ValueError):
        return False
    return S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)
