"""Logging of programs' output: split into lines, stamped, and written to log directories or other logs.

A writer accepts all lines of one read(2), or none: ``write`` returns False while it is blocked. Its owner
then stops reading, calls ``flush`` at the ``deadline`` or when the descriptor is writable, and writes the
same lines again. So nothing is lost, and no more than one read is kept in memory.
"""
