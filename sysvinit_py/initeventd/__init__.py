"""initeventd: what happens to devices becomes requests to init (docs/devices.rst).

``power`` and ``told`` decide, and know no device: what the power supplies say about the power, and what init
has yet to be told. ``devices`` (udev), ``clocks`` and ``place`` (the files in /run) are Linux;
``daemon`` waits for them and sends; ``cli`` is the command line.
"""
