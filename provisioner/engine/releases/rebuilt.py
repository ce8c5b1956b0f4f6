"""Who built what is published again: one row for each image, for `release verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from provisioner.core.rebuilders import Rebuilder, RebuildPolicy, find_rebuilders, open_rebuild
from provisioner.engine.context import Context
from provisioner.errors import KeyRefused
from provisioner.models.inspection import PublishedImage
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rebuilds import list_rebuilds, read_rebuild_policy


def verify_rebuilds(context: Context, images: Iterable[PublishedImage]) -> list[dict[str, Any]]:
    """`{"ok", "sentence"}` for each image and for each file that proves nothing.

    Too few rebuilders are not ok only where the operator asked for more.
    """
    repository = Publisher.of(context.settings).repository
    try:
        policy = read_rebuild_policy(context.settings.trust_dir)
    except KeyRefused as error:
        return [{"ok": False, "sentence": error.explain()}]
    rows = []
    for image in images:
        if image.statement or policy.needed:
            files = list_rebuilds(repository, image.statement) if image.statement else {}
            rows += list(_judge(image, files, policy))
    return rows


def _judge(
    image: PublishedImage, files: dict[str, bytes], policy: RebuildPolicy
) -> Iterator[dict[str, Any]]:
    whose = f"{image.release}: image {image.name}"
    strange = 0
    for name, raw in files.items():
        if open_rebuild(raw, image.statement) is None:
            yield {"ok": False, "sentence": f"{whose}: the rebuild {name} is about something else."}
        elif not find_rebuilders([raw], policy.keys, image.statement):
            strange += 1
    found = find_rebuilders(files.values(), policy.keys, image.statement)
    sentence = f"{whose} was built again by {_tell(found, policy)}."
    yield {"ok": len(found) >= policy.needed, "sentence": sentence}
    if strange:
        sentence = f"{whose}: {strange} more rebuilds have no signature that counts here."
        yield {"ok": True, "sentence": sentence}


def _tell(found: Sequence[Rebuilder], policy: RebuildPolicy) -> str:
    names = ", ".join(sorted(each.name for each in found))
    who = f"{len(found)} of {len(policy.keys)} known keys ({names})" if found else "no known key"
    return f"{who}, and {policy.needed} are needed" if policy.needed else who
