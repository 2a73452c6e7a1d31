"""The runlevel state machine: pure, no system call, no clock of its own.

``Machine.handle(event, now)`` returns the effects. Read in this order: ``inittab.actions`` (what each action
means), ``stages`` and ``limits``, ``throttle``, ``job`` (an entry and its marks), ``rules``, ``events``,
``effects``, ``machine`` (where it stands), ``run_queue`` (what is next), ``processes`` (what runs),
``ending`` (what has to go), ``driver`` (whose turn it is), ``state`` (all of it as a plain value), ``status``
(in words).
"""
