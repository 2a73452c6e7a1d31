"""supervise/status: whatever is in it can be read, and what was written is read back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sysvinit_py.clients.runit.controlled import line
from sysvinit_py.protocol import supervise
from sysvinit_py.protocol.supervise import Status

STATUSES = st.builds(
    Status,
    st.integers(0, 2**62),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from("ud"),
    st.booleans(),
    st.sampled_from((supervise.DOWN, supervise.RUN, supervise.FINISH)),
)


@given(STATUSES)
def test_what_was_written_is_read(status: Status) -> None:
    data = supervise.encode(status)
    assert len(data) == supervise.SIZE
    assert supervise.decode(data) == status
    assert supervise.words(status).startswith(supervise.STATES[status.state])


@given(st.binary(max_size=30), st.sampled_from((True, False, None)))
def test_any_bytes_are_a_status_or_refused(data: bytes, down: bool | None) -> None:
    """Damaged files neither stop sv nor tear its lines apart."""
    try:
        status = supervise.decode(data)
    except ValueError:
        assert len(data) < supervise.SIZE
    else:
        text = line("web", status, down)
        assert text.isprintable()
        assert "web: " in text
