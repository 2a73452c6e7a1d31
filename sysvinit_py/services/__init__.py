"""Supervision of services as runit's: one process for all folders; programs runsv and runsvdir."""
