"""The sandbox: boots an inittab with an init as PID 1 of new namespaces.

root      the root file system of PID 1
stage     from a new process to ``exec /sbin/init``; runs in an interpreter of its own
sandbox   Sandbox: starts one, inspects it, ends it
console   the output of its console, and typing there
refusal   why no sandbox can be made, and what to do about it
power     halt, reboot and shutdown inside
watch     whether the processes inside have settled
screen    filters output for a terminal
terminal  connects the user's terminal to the console
session   one boot from beginning to end
given     the inittab that the user has named
cli       the command inittab-try

This module stays empty, so that ``stage`` starts fast.
"""
