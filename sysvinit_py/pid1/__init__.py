"""PID 1. It tells the machine what happens, and carries out what that answers.

``init`` is the loop, ``effect_runner`` carries out. What it waits for is in ``inputs``, what it does to the
world in ``outputs``, what keeps it alive in ``survival``. All system calls go through ``linux.calls``.
"""
