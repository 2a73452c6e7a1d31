"""Output of programs: cut into lines, stamped, and written to log directories or to another log.

What takes lines takes all that one read(2) gave, or nothing: ``write`` returns False while it is blocked. Its
owner then stops reading, calls ``flush`` at the ``deadline`` or when the descriptor is writable, and offers
the same lines again. So nothing is lost, and no more than one read is held in memory.
"""
