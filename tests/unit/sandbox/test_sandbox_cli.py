"""The values of inittab-try's options."""

from __future__ import annotations

import pytest

from sysvinit_py.cli.options import UsageError
from sysvinit_py.sandbox.cli import PROGRAM


def test_nothing_is_no_file_to_bind() -> None:
    """``--bind "$UNSET:/x"`` once bound the current directory."""
    with pytest.raises(UsageError, match="argument --bind: '': there is no such file"):
        PROGRAM.parse(["--bind", ":/x"])
