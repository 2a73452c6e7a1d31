"""Linux: system calls and constants, and what is built on them, for the whole package.

All system calls of PID 1 are in ``calls``; ``namespaces`` has those that need ctypes, for other programs
only. Nothing here depends on inittab or on the machine.
"""
