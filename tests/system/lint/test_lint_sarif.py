"""The SARIF output is valid against the schema of SARIF 2.1.0, which an npm package carries."""

from __future__ import annotations

import json
import subprocess
import tarfile
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sysvinit_py.lint.check import check
from sysvinit_py.lint.formats import sarif
from sysvinit_py.lint.manual import example, manual
from sysvinit_py.lint.rules import RULES
from tests.system.witness import CACHE

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    folder = CACHE / "sarif"
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.tgz")):
        try:
            subprocess.run(
                ["npm", "pack", PACKAGE], cwd=folder, capture_output=True, text=True, check=True, timeout=100
            )
        except FileNotFoundError:
            pytest.skip("no npm here to obtain the schema with")
        except subprocess.SubprocessError as error:
            pytest.skip(f"npm cannot obtain the schema: {error}")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        member = package.extractfile(MEMBER)
        assert member is not None
        return json.load(member)


def logs() -> list[Any]:
    bad = [
        finding
        for rule in RULES.values()
        for finding in check([(rule.example, example(manual(rule).bad))], rule.targets[0])
    ]
    odd = check([("/a b/\udcff\n", b"x:2:twice:\xff\x1b\n")], next(iter(RULES.values())).targets[0])
    return [json.loads(sarif.render(findings)) for findings in ([], bad, odd)]


def test_valid(schema: Any) -> None:
    validator = jsonschema.Draft7Validator(schema)
    validator.check_schema(schema)
    for log in logs():
        validator.validate(log)
    assert len(logs()[1]["runs"][0]["results"]) > len(RULES)


def test_the_schema_can_refuse(schema: Any) -> None:
    log = logs()[1]
    del log["runs"][0]["results"][0]["message"]
    assert not jsonschema.Draft7Validator(schema).is_valid(log)
