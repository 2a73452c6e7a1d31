"""Real and made-up inittab files with mistakes put into them, the same ones in every run."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.support.corpus import samples

#: These have what those lack.
OWN = (
    b"id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\n~~:S:wait:/sbin/sulogin\nl0:0:wait:/etc/init.d/rc 0\n"
    b"ca::ctrlaltdel:/sbin/shutdown -r now\n1:2345:respawn:/sbin/getty 38400 tty1\n",
    b"# comment\n\n\t a:a:ondemand:+@/bin/x\nb:b:OFF:\n~~:S:once:/x:y\n~~:S:once:/z # end\n",
    b"::sysinit:/etc/init.d/rcS\n::askfirst:-/bin/sh\ntty2::respawn:/bin/x \\\n -y\n"
    b"::shutdown:umount -a # c\n",
    b"",
)

_JUNK = (
    b":", b"::", b"\n", b" ", b"\t", b"\0", b"#", b"\r", b"\r\n", b"\\", b"\\\n", b"~~", b"S", b"once",
    b"RESPAWN", b"resume", b"initdefault", b"\xff", b"\xc3\xa9", b"x" * 12, b"x" * 33, b"x" * 128,
    b"%s%n", b"\n ", b"\n#", b" #", b"\x0b", b"\n:::\n", b"+", b"@", b"askfirst",
)  # fmt: skip


def originals() -> list[bytes]:
    """The files to begin with."""
    return [sample.path.read_bytes() for sample in samples()] + list(OWN)


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """Change some of them a little."""
    random = Random(seed)
    files = originals()
    for _ in range(count):
        data = random.choice(files)
        for _ in range(random.randrange(1, 6)):
            data = random.choice(_CHANGES)(random, data)
        yield data


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(_JUNK) + data[at:]


def _remove(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.randrange(1, 9) :]


def _replace(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _copy(random: Random, data: bytes) -> bytes:
    at, source = random.randrange(len(data) + 1), random.randrange(len(data) + 1)
    return data[:at] + data[source : source + random.randrange(40)] + data[at:]


def _shuffle_fields(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    fields = lines[at].split(b":")
    random.shuffle(fields)
    lines[at] = b":".join(fields)
    return b"\n".join(lines)


def _repeat_line(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return b"\n".join(lines)


_CHANGES = (_insert, _insert, _remove, _replace, _copy, _shuffle_fields, _repeat_line)
