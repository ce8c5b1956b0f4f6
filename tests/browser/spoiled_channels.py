"""Releases of two channels: each is judged by its own, and neither key can sign for the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, TargetFile

from provisioner.models.release import EARLY, STABLE, Release
from provisioner.publishing.channels import open_channel
from provisioner.publishing.promote import promote_release
from provisioner.publishing.publisher import role_of
from tests.browser.saved_checks import MANIFEST, Place, Spoiled, release_of, report
from tests.publishing.place import NOW, forge

GOOD, REJECTED, OUTDATED, UNLOGGED = "GENUINE", "REJECTED", "OUTDATED", "UNLOGGED"
NOTHING = "UNVERIFIABLE"
OF = {channel: role_of("taarafo", channel) for channel in (EARLY, STABLE)}


def list_spoiled_channels(place: Place, folder: Path) -> Iterator[Spoiled]:
    tried = place.twin(folder / "tried")
    open_channel(tried.publisher, "taarafo", EARLY, now=NOW)
    tried.publish("1.3.0", EARLY)
    yield from _list_honest(tried, folder)
    yield from _list_exchanged(tried)
    yield from _list_stolen(tried, folder)


def _says(version: str, channel: str) -> Any:
    return report(release=release_of(version, channel).target)


def _list_honest(tried: Place, folder: Path) -> Iterator[Spoiled]:
    early = _says("1.3.0", EARLY)
    yield tried.spoiled("early", GOOD, early, published=tried.copy("1.3.0", EARLY))
    yield tried.spoiled("stable beside a newer early", GOOD)
    after = tried.twin(folder / "after")
    after.publish("1.4.0", EARLY)
    yield after.spoiled("an older early", OUTDATED, early, published=after.copy("1.3.0", EARLY))
    weak = tried.twin(folder / "weak")
    weak.publish("1.4.0", EARLY, security_floor="1.4.0")
    yield weak.spoiled("a weak early", OUTDATED, early, published=weak.copy("1.3.0", EARLY))
    yield weak.spoiled("stable beside a weak early", GOOD)
    promoted = tried.twin(folder / "promoted")
    promote_release(promoted.publisher, "taarafo", "1.3.0", now=NOW)
    published = promoted.copy("1.3.0")
    yield promoted.spoiled("promoted", GOOD, _says("1.3.0", STABLE), published=published)
    yield promoted.spoiled("an older stable", OUTDATED)
    published = promoted.copy("1.3.0", EARLY)
    yield promoted.spoiled("early after it was promoted", GOOD, early, published=published)


def _list_exchanged(tried: Place) -> Iterator[Spoiled]:
    """Parts of two good files put together."""
    early, stable = tried.copy("1.3.0", EARLY), tried.copy()
    claims = _says("1.3.0", STABLE)
    target = release_of("1.3.0", STABLE).target
    for name, outcome, published in (
        ("early's own path", NOTHING, early),
        ("stable's path", REJECTED, replace(early, target=target)),
        ("stable's path and name", UNLOGGED, replace(early, target=target, role=OF[STABLE])),
        ("stable's role", NOTHING, replace(stable, target=target, release=early.release)),
        (
            "stable's role at early's path",
            REJECTED,
            replace(early, role_metadata=stable.role_metadata, role=OF[STABLE]),
        ),
    ):
        yield tried.spoiled(f"early as stable: {name}", outcome, claims, published=published)


def _list_stolen(tried: Place, folder: Path) -> Iterator[Spoiled]:
    """Whoever has the key of one channel signs for a release of the other."""
    for channel, other in ((EARLY, STABLE), (STABLE, EARLY)):
        name = f"the key of {channel} for {other}"
        target = release_of("1.9.0", other).target
        claims = report(release=target)
        for what, release in (
            ("", release_of("1.9.0", other)),
            (", its own", release_of("1.9.0", channel)),
        ):
            stolen = tried.twin(folder / f"{name}{what}")
            content = release.to_bytes()
            forge(stolen.publisher, OF[channel], _adds(target, content, release))
            copy = _copy_of(stolen, channel, target, content)
            yield stolen.spoiled(f"{name}{what}", REJECTED, claims, published=copy)
            renamed = replace(copy, role=OF[other])
            yield stolen.spoiled(f"{name}{what}, renamed", UNLOGGED, claims, published=renamed)
        other_content = stolen.twin(folder / f"{name} in its own place")
        own = release_of("1.9.0", channel).target
        content = release_of("1.9.0", other).to_bytes()
        forge(
            other_content.publisher, OF[channel], _adds(own, content, release_of("1.9.0", channel))
        )
        copy = _copy_of(other_content, channel, own, content)
        yield other_content.spoiled(
            f"a release of {other} at a path of {channel}",
            REJECTED,
            report(release=own),
            published=copy,
        )


def _adds(target: str, content: bytes, release: Release) -> Any:
    def add(metadata: Metadata[Any]) -> None:
        entry = TargetFile.from_data(target, content)
        entry.unrecognized_fields["custom"] = {
            "channel": release.channel,
            "security_floor": "1.0.0",
        }
        metadata.signed.targets[target] = entry

    return add


def _copy_of(place: Place, channel: str, target: str, content: bytes) -> Any:
    version = {EARLY: "1.3.0", STABLE: "1.2.0"}[channel]
    copy = place.copy(version, channel)
    return replace(
        copy, target=target, release=content.decode(), manifests={"app": MANIFEST.decode()}
    )
