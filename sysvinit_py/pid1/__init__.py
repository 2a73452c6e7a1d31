"""PID 1: passes events to the machine, and carries out its effects.

``init`` is the main loop, ``effect_runner`` carries out effects. ``inputs`` has the sources of events,
``outputs`` what acts on the system, ``survival`` what keeps it running after errors. All system calls go
through ``linux.calls``.
"""
