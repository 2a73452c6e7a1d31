"""Times, and how many of what, that the machine keeps to. Times are in seconds.

See behaviour/runlevels, behaviour/throttle and behaviour/children.
"""

from __future__ import annotations

#: Throttle: so many starts in so many seconds, then a rest of so many.
STARTS_ALLOWED, WINDOW, REST = 10, 120.0, 300.0

#: From SIGTERM to SIGKILL, until a request says otherwise.
WAIT_TIME = 5.0
#: From SIGKILL until a group that is still there is given up.
HANG_TIME = 0.5
#: Between two looks at a group whose leader has ended.
PROBE_TIME = 0.02
#: Until a fork that failed is tried again.
FORK_RETRY = 1.0
#: INIT_* variables kept at most.
MAX_VARIABLES = 16
