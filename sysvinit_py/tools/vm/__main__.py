"""``python3 -m sysvinit_py.tools.vm``."""

import sys

from sysvinit_py.tools.vm.cli import main

sys.exit(main())
