"""The order of versions."""

from __future__ import annotations

import pytest

from provisioner.core.versions import plan_version, sort_versions, version_key, version_of


def test_numbers_are_compared_as_numbers() -> None:
    assert sort_versions(["1.10.0", "1.9.12", "0.99.0", "1.9.2"]) == [
        "0.99.0",
        "1.9.2",
        "1.9.12",
        "1.10.0",
    ]


@pytest.mark.parametrize("text", ["", "1.x.0", "1..0", "latest"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        version_key(text)


@pytest.mark.parametrize(
    ("wanted", "newest", "planned"),
    [
        ("1.0.0", "1.0.0", "1.0.1"),
        ("1.0.0", "1.0.9", "1.0.10"),
        ("1.1.0", "1.0.9", "1.1.0"),
        ("1.0.0", "2.3.4", "2.3.5"),
    ],
)
def test_the_next_version_is_wanted_or_follows_the_newest(
    wanted: str, newest: str, planned: str
) -> None:
    assert plan_version(wanted, newest) == planned


@pytest.mark.parametrize(
    ("target", "version"),
    [("app/taarafo/stable/1.0.0/release.json", "1.0.0"), ("", ""), ("files/aa.jsonl", "")],
)
def test_a_target_names_its_version(target: str, version: str) -> None:
    assert version_of(target) == version
