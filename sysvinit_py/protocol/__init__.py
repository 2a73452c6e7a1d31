"""Binary formats: initctl requests, utmp records, the state at re-execution, runsv's status."""
