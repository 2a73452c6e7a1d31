"""The limits and delays of the machine. Times are in seconds.

See behaviour/runlevels, behaviour/throttle and behaviour/children.
"""

from __future__ import annotations

#: The throttle: the starts that are allowed within a window, and the backoff after that.
STARTS_ALLOWED, WINDOW, REST = 10, 120.0, 300.0

#: From SIGTERM to SIGKILL, until a request says otherwise.
WAIT_TIME = 5.0
#: From SIGKILL until a group that is still there is given up.
HANG_TIME = 0.5
#: Between two probes of a group whose leader has ended.
PROBE_TIME = 0.02
#: Until a failed fork is retried.
FORK_RETRY = 1.0
#: The number of INIT_* variables.
MAX_VARIABLES = 16
