"""PID 1 on Linux. It tells the machine what happens, and carries out what that answers.

``init`` is the loop. What it waits for: ``waiting``, ``signals``, ``fifo`` and ``requests``, ``reader`` (the
inittab, by a process of its own). What it does: ``performer``, ``spawn``, ``console``, ``accounting``,
``syslog``, ``title``, ``terminals``, ``surroundings``. What keeps it alive: ``barrier``,
``handover`` (re-execution), ``last_resort``. All system calls go through ``kernel``.
"""
