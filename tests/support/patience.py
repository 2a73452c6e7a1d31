"""How long tests wait for other processes: on a slow machine, or an emulated one, everything takes longer."""

from __future__ import annotations

import os

#: How many times as long as on a machine of our own everything may take.
PATIENCE = float(os.environ.get("SYSVINIT_PY_PATIENCE") or 1)
