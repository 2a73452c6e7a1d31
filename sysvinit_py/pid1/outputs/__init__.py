"""The outputs of PID 1: processes, the console, logs, accounting records, the published status."""
