"""The sandbox: boots an inittab with an init as PID 1 of namespaces of its own.

kernel    the system calls, a thin function each
root      what PID 1 finds as its root file system
stage     from a new process to ``exec /sbin/init``; runs in an interpreter of its own
box       Sandbox: starts one, looks into it, ends it
console   what was said on its console, and typing there
refusal   why no sandbox can be made, and what to do about it
power     the halt, reboot and shutdown inside
watch     whether what runs inside has come to rest
terminal  the person's terminal, lent to the console
trial     one boot from beginning to end
cli       the command inittab-try

This module stays empty, so that ``stage`` starts fast.
"""
