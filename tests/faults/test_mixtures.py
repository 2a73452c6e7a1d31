"""Random mixtures of faults: whatever fails together, init does not end; once nothing fails it is well."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults import fake, life
from tests.faults.errors import ERRORS, IN_CHILDREN

#: From here on nothing fails; the life still has to switch and to respawn.
HEALTHY = 60.0

NAMES = [name for name in sorted(ERRORS) if ERRORS[name] and name not in IN_CHILDREN]
faults = st.sampled_from(NAMES).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(1, 60), st.sampled_from(ERRORS[name]))
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(faults, min_size=2, max_size=12))
def test_a_mixture(mixture: list[tuple[str, int, int]]) -> None:
    def make() -> fake.Kernel:
        def heal(kernel: fake.Kernel) -> None:
            kernel.faults.clear()

        def settle(kernel: fake.Kernel) -> None:
            kernel.signals.add(10)  # SIGUSR1: the FIFO is opened anew

        return fake.Kernel(life.INITTAB, [*life.script(), (HEALTHY, heal), (HEALTHY + 1, settle)])

    def prepare(kernel: fake.Kernel) -> None:
        kernel.faults.update({(name, place): number for name, place, number in mixture})

    after: dict[str, Any] = fake.live(make, prepare, life.judge)
    assert after.get("calls"), after["problems"]  # it has not ended
    # Faults at boot may have cost what runs only then.
    bad = [p for p in after["problems"] if p != "has not booted"]
    assert not bad or missing_only_boot(bad, after), (after["problems"], after["log"], after["tripped"])


def missing_only_boot(problems: list[str], after: dict[str, Any]) -> bool:
    expected = [command for command in life.EXPECTED if command != "/w BOOT stay"]
    return problems == [f"runs: {expected}"] and "SYSINIT" not in after["started"]
