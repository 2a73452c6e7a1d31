"""Coverage-guided fuzzing of what reads bytes from elsewhere; for hours, by hand.

    pip install '.[fuzz]' && python tests/fuzz/fuzz.py {initctl,inittab,state} [CORPUS] [-max_total_time=600]

Arguments after the target are libFuzzer's. Each target holds what it reads to the promises of its module.
What is found becomes a test in tests/property.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["sysvinit_py"]):
    from sysvinit_py.inittab import read, wire
    from sysvinit_py.inittab.sources import Source
    from sysvinit_py.machine.state import save
    from sysvinit_py.pid1.survival import handover
    from sysvinit_py.protocol import initctl, state


def fuzz_initctl(data: bytes) -> None:
    """However the bytes are cut into reads, they are the same requests; assignments never fail."""
    cuts = atheris.FuzzedDataProvider(data)
    at_once, in_pieces = initctl.Decoder(), initctl.Decoder()
    stream = data
    whole = at_once.feed(stream) + at_once.flush()
    pieces = []
    while stream:
        size = cuts.ConsumeIntInRange(1, 500)
        pieces += in_pieces.feed(stream[:size])
        stream = stream[size:]
    assert whole == pieces + in_pieces.flush()
    for request in whole:
        if isinstance(request, initctl.Request):
            initctl.assignments(request.data)
            assert initctl.Decoder().feed(initctl.encode(request) + b"\0") is not None


def fuzz_inittab(data: bytes) -> None:
    """Any file gives a reading, and the reading survives the way to PID 1."""
    reading = read.interpret((Source("/etc/inittab", data),))
    received = wire.decode(wire.encode(reading))
    assert [(e.id, e.action, e.process) for e in received.entries] == [
        (e.id, e.action, e.process) for e in reading.entries
    ]


def fuzz_state(data: bytes) -> None:
    """What can be decoded gives a machine that can be saved and handed over."""
    try:
        saved = state.decode(state.SIGNATURE + data)
    except ValueError:
        return
    machine = handover.machine_from_saved(saved, {})
    save(machine)
    again = state.decode(handover.serialized(machine, (), True, True))
    assert handover.machine_from_saved(again, {}).running.keys() == machine.running.keys()


def main() -> None:
    target = globals()[f"fuzz_{sys.argv.pop(1)}"]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
