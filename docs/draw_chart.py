"""The picture chart.svg: what ``inittab chart`` shows of a boot of the machine of ``make vm``.

``python docs/draw_chart.py``, as root, after ``make dist/init``.
"""

from __future__ import annotations

from pathlib import Path

from sysvinit_py.vm.image import image
from tests.vm.machine import BOOT, Machine

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    disk = image((ROOT / "dist/init").read_bytes(), ROOT / ".cache" / "vm")
    with Machine(disk) as machine:
        machine.log_in(BOOT)
        (ROOT / "docs/chart.svg").write_text(machine.run("inittab chart --svg") + "\n")
