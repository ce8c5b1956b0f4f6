"""Provenance from strangers is read in its one form, or refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.provenance import (
    BUILD_TYPE,
    BUILDER,
    PREDICATE,
    Dependency,
    digest_of,
    find_misfit,
    read_provenance,
)
from provisioner.models.evidence import STATEMENT
from provisioner.models.release import Image, Recipe, RecipeService, Release, Source

SWHID = "swh:1:dir:" + "a" * 40
DIGEST = "sha256:" + "1" * 64
GOOD: dict[str, Any] = {
    "_type": STATEMENT,
    "subject": [{"name": "taarafo/app", "digest": {"sha256": "1" * 64}}],
    "predicateType": PREDICATE,
    "predicate": {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "recipe": "taarafo",
                "version": "1.0.0",
                "image": "app",
                "source": {"swhid": SWHID, "commit": "c" * 40},
            },
            "resolvedDependencies": [
                {"name": "dash", "uri": "pkg:deb/debian/dash@1", "digest": {"sha256": "2" * 64}}
            ],
        },
        "runDetails": {"builder": {"id": BUILDER}},
    },
}


def change(path: str, value: object) -> bytes:
    """The good statement with one thing else; an absent one with `...`."""
    changed = json.loads(json.dumps(GOOD))
    place: Any = changed
    *above, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in above:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(changed).encode()


def release_of(payload: bytes) -> Release:
    image = Image(
        repository="taarafo/app",
        digest=DIGEST,
        config_digest=DIGEST,
        layers=(),
        files_root=DIGEST,
        files_count=1,
        files_target="files/x",
        provenance_statement=digest_of(payload),
    )
    recipe = Recipe(name="taarafo", version="1.0.0", title="T", service=RecipeService(image="app"))
    source = Source(swhid=SWHID, commit="c" * 40)
    return Release(recipe=recipe, images={"app": image}, templates={}, source=source)


def test_a_good_one_says_what_it_says() -> None:
    read = read_provenance(json.dumps(GOOD | {"more": 1}).encode())
    assert (read.name, read.digest, read.builder) == ("taarafo/app", DIGEST, BUILDER)
    assert read.dependencies == {Dependency("dash", "pkg:deb/debian/dash@1", "2" * 64)}
    payload = json.dumps(GOOD).encode()
    assert find_misfit(payload, release_of(payload), "app") == ""


PARAMETERS = "predicate.buildDefinition.externalParameters"
DEPENDENCIES = "predicate.buildDefinition.resolvedDependencies"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1"), ("_type", ...), ("predicateType", ...),
        ("predicateType", "https://taarafo.example/runtime-evidence/v1"),
        ("subject", []), ("subject", {}), ("subject", [GOOD["subject"][0]] * 2), ("subject", [1]),
        ("subject", [{"name": "x", "digest": {"sha1": "1"}}]), ("predicate", None),
        ("predicate.buildDefinition", []), ("predicate.buildDefinition.buildType", "x"),
        (PARAMETERS, None), (f"{PARAMETERS}.source", "swh"), (f"{PARAMETERS}.version", 1),
        (DEPENDENCIES, {}), (DEPENDENCIES, [{"name": "dash", "digest": {}}]),
        (DEPENDENCIES, [{"digest": {"sha256": "2"}}]), (DEPENDENCIES, [[]]),
        ("predicate.runDetails", ...), ("predicate.runDetails.builder.id", 1),
    ],
)  # fmt: skip
def test_one_in_another_form_is_refused(path: str, value: object) -> None:
    payload = change(path, value)
    with pytest.raises(ValueError, match=r"\w"):
        read_provenance(payload)
    assert "cannot be used" in find_misfit(payload, release_of(payload), "app")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("subject.0.name", "taarafo/other"), ("subject.0.digest", {"sha256": "3" * 64}),
        (f"{PARAMETERS}.recipe", "chat"), (f"{PARAMETERS}.version", "1.0.1"),
        (f"{PARAMETERS}.image", "other"), (f"{PARAMETERS}.source.swhid", "swh:1:dir:" + "b" * 40),
        (f"{PARAMETERS}.source.commit", "d" * 40), (f"{PARAMETERS}.source.commit", ...),
    ],
)  # fmt: skip
def test_one_about_something_else_does_not_fit(path: str, value: object) -> None:
    payload = change(path, value)
    assert "something else" in find_misfit(payload, release_of(payload), "app")


def test_another_one_than_the_release_names_does_not_fit() -> None:
    payload = json.dumps(GOOD).encode()
    assert "another one" in find_misfit(payload + b" ", release_of(payload), "app")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
ID = "predicate.runDetails.builder.id"
PATHS = ["_type", "subject", "subject.0", "predicate", "predicate.buildDefinition", PARAMETERS]


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_strangers_bytes_are_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_provenance(raw)


@given(st.sampled_from([*PATHS, DEPENDENCIES, ID]), JSON)
def test_nearly_a_statement_never_raises_anything_else(path: str, value: object) -> None:
    try:
        read_provenance(change(path, value))
    except ValueError:
        return
    assert path in (DEPENDENCIES, ID)
