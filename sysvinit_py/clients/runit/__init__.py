"""The programs of runit, each by its name: ``python -m sysvinit_py.clients.runit NAME [ARGUMENT]...``."""
