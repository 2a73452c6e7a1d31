"""``python3 -m sysvinit_py.initeventd``."""

import sys

from sysvinit_py.initeventd.cli import main

sys.exit(main())
