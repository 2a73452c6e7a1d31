"""INT0, second part: who else can change what init reads."""

from __future__ import annotations

from sysvinit_py.lint.finding import Match
from sysvinit_py.lint.rule import rule
from sysvinit_py.lint.targets import ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysvinit_py.lint.inittab import Inittab


@rule("INT006", "exposed-file", "warning", ALL)
def exposed_file(inittab: Inittab) -> Iterator[Match]:
    """Somebody else than root can change the file, or what init reads beside it.

    init runs as root what is written there. Said of an inittab, a file in inittab.d, that folder and an
    initscript that anybody can write, or that belong to a user other than root, the one who runs
    inittab-lint, and the one who has the folder named.

    Bad::

        # after chmod o+w inittab
        id:2:initdefault:

    Good::

        # after chmod o-w inittab
        id:2:initdefault:
    """
    for document in inittab.documents:
        if document.file in inittab.exposed:
            exposed = inittab.exposed[document.file]
            yield Match(document.file, 1, 1, 1, exposed, "init runs as root what is written there")
