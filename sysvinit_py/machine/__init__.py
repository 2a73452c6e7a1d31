"""The runlevel state machine: pure, without system calls and without a clock of its own.

``Machine.handle(event, now)`` returns the effects. Read in this order: ``inittab.actions`` (the properties of
each action), ``stages`` and ``limits``, ``throttle``, ``job`` (an entry and its marks), ``rules``,
``events``, ``effects``, ``machine`` (the stages), ``run_queue`` (what is started next), ``processes`` (what
runs), ``ending`` (what is being ended), ``driver`` (the order of events and effects), ``state`` (the machine
as a plain value).
"""
