"""A Debian machine in QEMU whose /sbin/init is ours: ``make vm``, and the tests in tests/vm.

``image`` makes its disk, ``qemu`` says how to start it, ``cli`` is the command.
"""
