"""Bytes: initctl requests, utmp records, the state handed over at re-execution."""
