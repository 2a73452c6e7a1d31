"""Build the completions of bash, zsh and fish: ``python3 -m sysvinit_py.build.completion DIR``."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from sysvinit_py.build.programs import PROGRAMS
from sysvinit_py.cli.options import Option, Program
from sysvinit_py.value import Value


class Shell(Value):
    """How a shell is told of them. In the templates a brace stands for itself if it is doubled."""

    path: str  # below share/
    whole: str  # of cases, one for each verb
    function: str  # prints words
    file: str
    folder: str
    words: str
    command: str  # what the function prints
    comma: str  # the same, of words separated by commas
    nothing: str = ""


#: As compgen expands its words, and nobody quotes what is offered, only those without a meaning to the shell.
_OFFERED = "\"$({function} | cut -f 1 | grep -x '[[:alnum:]_.:+~-]*')\""
BASH = Shell(
    "bash-completion/completions/{name}",
    """\
# bash completion of {name}
{functions}{function}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} verb= one offer=()
    [[ $word == "=" ]] && word=
    [[ $before == "=" ]] && before=${{COMP_WORDS[COMP_CWORD - 2]}}
    for one in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        [[ -z $verb && " {verbs} " == *" $one "* ]] && verb=$one
    done
    case $verb:$before in
{cases}    esac
    [[ ${{offer[0]}} == -[df] ]] && compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "${{offer[@]}}" -- "$word")
}}
complete -F {function} {name}
""",
    "{function}() {{ {{ {command}; }} 2>/dev/null; }}\n",
    "offer=(-f)",
    "offer=(-d)",
    "offer=(-W '{words}')",
    f"offer=(-W {_OFFERED})",
    f'offer=(-W {_OFFERED}); [[ $word == *,* ]] && offer+=(-P "${{{{word%,*}}}},") word=${{{{word##*,}}}}',
    "offer=(-W '')",
)
ZSH = Shell(
    "zsh/site-functions/_{name}",
    """\
#compdef {name}
{functions}local verb=
(( CURRENT > 2 )) && [[ " {verbs} " == *" $words[2] "* ]] && verb=$words[2] && shift words && (( CURRENT-- ))
case $verb in
{cases}esac
""",
    """\
{function}() {{
    local -a words=(${{(f)"$({{ {command} }} 2>/dev/null)"}})
    words=(${{words//$'\\t'/:}})
    _describe word words "$@"
}}
""",
    "_files",
    "_files -/",
    "({words})",
    "{function}",
    "_sequence {function}",
)
FISH = Shell(
    "fish/vendor_completions.d/{name}.fish",
    "# fish completion of {name}\n{functions}{cases}",
    "function {function}; begin; {command}; end 2>/dev/null; end\n",
    "-r",
    "-x -a '(__fish_complete_directories)'",
    "-x -a '{words}'",
    "-x -a '({function})'",
    "-x -a '(__fish_complete_list , {function})'",
    "-x",
)


def files(without: Collection[str] = ()) -> dict[str, str]:
    """Return all completions by their paths below share/, but for those of some programs."""
    programs = [program for program in PROGRAMS if program.name not in without]
    return {shell.path.format(name=p.name): text(shell, p) for p in programs for shell in (BASH, ZSH, FISH)}


def text(shell: Shell, program: Program) -> str:
    """Return what the shell has to know of a program."""
    cases = {BASH: _bash, ZSH: _zsh, FISH: _fish}[shell](program)
    rows = [row for _, part in _parts(program) for row in part.table if _form(row) in ("command", "comma")]
    functions = {
        shell.function.format(function=_function(program, row), command=row.complete) for row in rows
    }
    verbs = " ".join(verb.name for verb in program.verbs)
    return shell.whole.format(
        name=program.name,
        function=_function(program),
        functions="".join(sorted(functions)),
        verbs=verbs,
        cases="".join(cases),
    )


def _parts(program: Program) -> Iterator[tuple[str, Program]]:
    """Yield the verbs and what they are called, and last, with no verb, the program itself."""
    yield from ((verb.name, program.with_verb(verb.name)) for verb in program.verbs)
    yield "", program


def _function(program: Program, row: Option | None = None) -> str:
    return f"_{program.name}{f'_{row.attribute}' if row else ''}".replace("-", "_")


def _form(row: Option) -> str:
    """Return which field of Shell says how the value is completed; empty: not at all."""
    if row.complete in ("", "file", "folder"):
        return row.complete or ("" if callable(row.kind) else "words")
    return "comma" if row.comma else "command"


def _value(shell: Shell, program: Program, row: Option) -> str:
    form: str = getattr(shell, _form(row) or "nothing")
    words = "" if callable(row.kind) else " ".join(row.kind)
    return form.format(words=words, function=_function(program, row))


def _about(row: Option) -> str:
    """Return the beginning of the help, without what means something to a shell."""
    return re.split("[;:]", row.help)[0].translate(str.maketrans("[]'\\", "    "))


def _bash(program: Program) -> Iterator[str]:
    for verb, part in _parts(program):
        for row in part.options:
            patterns = "|".join(f"{verb}:{name}" for name in row.names.split())
            yield f"        {patterns}) {_value(BASH, program, row)} ;;\n" if row.value else ""
        operand = next((_value(BASH, program, row) for row in part.operands), BASH.nothing)
        names = " ".join(row.names for row in part.options)
        yield f"        {verb}:*) {operand}; [[ $word == -* ]] && offer=(-W '{names}') ;;\n"


def _zsh(program: Program) -> Iterator[str]:
    for verb, part in _parts(program):
        yield f"{verb or '*'}) _arguments -s -S"
        for row in part.table:
            value = f":{row.value}:{_value(ZSH, program, row)}" if row.value else ""
            for name in row.names.split() if row in part.options else ("",):
                equals = ("=" if name[1] == "-" else "+") if row.value and name else ""
                others = "*" if row.many else f"({row.names})" if name else ""
                yield f" '{others}{name}{equals}{f'[{_about(row)}]' if name else ''}{value}'"
        yield " ;;\n"


def _fish(program: Program) -> Iterator[str]:
    for verb, part in _parts(program):
        when = f" -n '__fish_seen_subcommand_from {verb}'" if verb else " -n __fish_use_subcommand"
        for row in part.table:
            names = row.names.split() if row in part.options else ()
            words = [f"-l {name[2:]}" if name[1] == "-" else f"-s {name[1:]}" for name in names]
            value = _value(FISH, program, row) if row.value else ""
            when_any = when if program.verbs else ""
            yield f"complete -c {program.name}{when_any} {' '.join(words)} {value} -d '{_about(row)}'\n"


def main(arguments: list[str]) -> int:
    """Write all into the folder named, which stands for share/."""
    if len(arguments) != 1:
        print("usage: completion DIR", file=sys.stderr)
        return 2
    for path, text in files().items():
        target = Path(arguments[0], path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
