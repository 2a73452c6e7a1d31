"""``python3 -m sysvinit_py.tools.initeventd``."""

import sys

from sysvinit_py.tools.initeventd.cli import main

sys.exit(main())
