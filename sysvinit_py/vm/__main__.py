"""``python3 -m sysvinit_py.vm``."""

import sys

from sysvinit_py.vm.cli import main

sys.exit(main())
