"""A SysV-compatible init in Python: from /etc/inittab to PID 1."""

__version__ = "0.1.0"
