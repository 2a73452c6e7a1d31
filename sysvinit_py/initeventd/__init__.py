"""initeventd: events of devices become requests to init (docs/devices.rst).

``power`` (the state of the power, from the power supplies) and ``notifications`` (what init still has to be
told) decide, without I/O. ``devices`` (udev) and ``run_files`` (the files in /run) do the I/O; ``daemon``
waits for events and sends requests; ``cli`` is the command line.
"""
