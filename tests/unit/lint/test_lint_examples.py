"""The examples in the rules' manual are true: the bad one is found, the good one is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sysvinit_py.lint.check import check, check_services
from sysvinit_py.lint.manual import example, explain, listing, manual, page, summary
from sysvinit_py.lint.root import Root
from sysvinit_py.lint.rule import GROUPS, Rule
from sysvinit_py.lint.rules import RULES
from sysvinit_py.lint.services import find
from sysvinit_py.lint.targets import TARGETS
from sysvinit_py.linux.beneath import Place

EXAMPLES = [pytest.param(rule, id=code) for code, rule in RULES.items()]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """An image with what the good examples need."""
    for name in ("sbin/getty", "sbin/sulogin", "etc/init.d/rcS"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o755)
    (tmp_path / "etc/rc.plain").touch(0o644)
    (tmp_path / "dev").mkdir()
    for name in ("tty1", "ttyS0"):
        (tmp_path / "dev" / name).touch()
    return Root(str(tmp_path))


def codes_of_services(text: str, folder: Path) -> set[str]:
    """Of service folders, in which each file has its path and mode, or where it leads, above it."""
    path = None
    for line in text.splitlines(keepends=True):
        if link := re.fullmatch(r"# (\S+) -> (\S+)\n", line):
            (folder / link[1]).symlink_to(link[2])
        elif head := re.fullmatch(r"# (\S+) (\d+)\n", line):
            path = folder / head[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.chmod(int(head[2], 8))
        else:
            assert path
            with path.open("a") as file:
                file.write(line)
    failed: list[str] = []
    services = find(Place(str(folder), shown="services"), failed)
    assert services
    found = check_services(services, RULES, failed)
    assert failed == []
    return {finding.code for finding in found}


def codes(rule: Rule, text: str, root: Root) -> set[str]:
    if not rule.targets:
        folder = Path(root.folder) / "services"
        folder.mkdir()
        return codes_of_services(text, folder)
    files = [(rule.example, example(text))]
    fragment = rule.example.endswith(".tab")
    target = rule.targets[0]
    exposed = {rule.example: "anybody can change it"} if "chmod o+w" in text else {}
    found = check(files, target, fragment=fragment, root=root if rule.needs_root else None, exposed=exposed)
    return {f.code for f in found}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_bad_example_is_found(rule: Rule, root: Root) -> None:
    assert rule.code in codes(rule, manual(rule).bad, root)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_good_example_is_clean(rule: Rule, root: Root) -> None:
    if rule.code == "INT003":  # the same text in another place
        rule = rule.replace(example="etc/inittab")
    assert rule.code not in codes(rule, manual(rule).good, root)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_manual_is_whole(rule: Rule) -> None:
    said = manual(rule)
    assert said.title.endswith((".", ":"))
    assert len(said.title) < 100
    assert said.bad.strip()
    assert said.good.strip()
    assert rule.severity in ("error", "warning", "info")
    assert rule.name == rule.name.lower()
    assert rule.code[:4] in GROUPS
    assert explain(rule).startswith(f"{rule.code} {rule.name} ({rule.severity})\n\n{said.title}")
    assert "``" not in summary(rule)


def test_codes_and_names_are_unique_and_in_order() -> None:
    assert list(RULES) == sorted(RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


def test_errors_are_what_init_refuses_or_reports() -> None:
    assert {code for code, rule in RULES.items() if rule.severity == "error" and rule.targets} == {
        code
        for code in RULES
        if code.startswith("INT1")
        or "INT801" <= code <= "INT805"
        or "INT901" <= code <= "INT903"
        or code == "INT912"
    }


def test_every_target_has_rules() -> None:
    for target in TARGETS.values():
        assert any(rule.targets == (target,) or target in rule.targets for rule in RULES.values())


def test_listing_and_page_name_every_rule() -> None:
    for rule in RULES.values():
        assert f"{rule.code}  {rule.severity}" in listing()
        assert f"\n{rule.code} {rule.name}\n~~~" in page()
