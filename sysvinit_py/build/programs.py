"""The programs that have a table of options, and so completions and a SYNOPSIS made of it."""

from __future__ import annotations

from sysvinit_py.clients.halt import PROGRAMS as POWER
from sysvinit_py.clients.inittab.program import INITTAB
from sysvinit_py.clients.runit.described import PROGRAMS as RUNIT
from sysvinit_py.clients.runlevel import RUNLEVEL
from sysvinit_py.clients.shutdown import SHUTDOWN
from sysvinit_py.initeventd.cli import PROGRAM as INITEVENTD
from sysvinit_py.install.cli import PROGRAM as INSTALL
from sysvinit_py.lint.cli import PROGRAM as LINT
from sysvinit_py.lint.fmt import PROGRAM as FMT
from sysvinit_py.lsp.cli import PROGRAM as LSP
from sysvinit_py.sandbox.cli import PROGRAM as TRY

PROGRAMS = (INITTAB, INITEVENTD, INSTALL, LINT, FMT, LSP, TRY, SHUTDOWN, *POWER, RUNLEVEL, *RUNIT.values())
