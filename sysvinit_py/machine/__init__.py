"""The runlevel state machine: pure, no system call, no clock of its own.

``Machine.handle(event, now)`` returns the effects. Read in this order: ``rules`` (the tables of the SPEC),
``job`` (an entry and its marks), ``events``, ``effects``, ``machine`` (where it stands), ``agenda`` (who is
next), ``processes`` (who runs), ``ending`` (who is to go), ``state`` (all of it as a plain value).
"""
