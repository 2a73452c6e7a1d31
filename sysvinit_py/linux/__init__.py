"""Linux: the system calls and constants, and what is made of them, for all of the package.

``calls`` is the one seam for the system calls of PID 1; ``namespaces`` and ``clocks`` are those that need
ctypes, for other programs only. Nothing here knows of inittab or of the machine.
"""
