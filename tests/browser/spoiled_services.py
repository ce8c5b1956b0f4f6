"""A release of several services: what can be wrong with one of them, and with the release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.models.evidence import ContainerSeen, Evidence, MountSeen, Tree, hash_value
from provisioner.models.manifest import FileEntry, find_lines, root_of
from provisioner.models.release import Recipe, RecipeBackup, RecipeMount, RecipePart, Release
from provisioner.publishing.publish import publish_release
from tests.browser.saved_checks import Place, Spoiled, report
from tests.core.own_release import make_own_release, write_files
from tests.core.test_appraisal import SEEN
from tests.core.test_appraisal_parts import CAP_OF_AGENT, EVERYWHERE, HONEST, PARTS, PLANTED, seen
from tests.publishing.place import NOW

GOOD, MODIFIED, REJECTED = "GENUINE", "MODIFIED", "REJECTED"
NOTHING = "UNVERIFIABLE"
ADDRESS = "localhost:8080"
OWN = make_own_release()
FILES = {name: write_files(name) for name in OWN.images}


def list_spoiled_services(place: Place, folder: Path) -> Iterator[Spoiled]:
    honest = place.twin(folder / "services")
    yield from _list_released(honest, "1.3.0", OWN.recipe, _list_seen())
    for number, (name, outcome, recipe) in enumerate(_list_recipes()):
        twin = place.twin(folder / f"recipe-{number}")
        evidence = _report()
        yield from _list_released(twin, "1.3.0", recipe, [(name, outcome, ADDRESS, evidence)])


def _list_released(
    place: Place,
    version: str,
    recipe: Recipe,
    cases: Iterable[tuple[str, str, str, Evidence]],
) -> Iterator[Spoiled]:
    release = _publish(place, version, recipe)
    manifests = {name: text.decode() for name, text in FILES.items()}
    published = replace(place.copy(version), manifests=manifests)
    for name, outcome, address, evidence in cases:
        told = replace(evidence, release=release.target, origin=address)
        yield place.spoiled(name, outcome, told, published=published, address=address)


def _publish(place: Place, version: str, recipe: Recipe) -> Release:
    named = recipe.model_copy(update={"name": "taarafo", "version": version})
    release = OWN.model_copy(update={"recipe": named})
    manifests = {root_of(text): text for text in FILES.values()}
    publish_release(place.publisher, release, manifests, now=NOW)
    return release


def _report(*more: ContainerSeen, without: str = "", **parts: ContainerSeen) -> Evidence:
    containers = HONEST | parts
    containers.pop(without, None)
    return report(containers=(*containers.values(), *more))


def _list_seen() -> Iterator[tuple[str, str, str, Evidence]]:
    for name, outcome, evidence in (*_list_running(), *_list_parts()):
        yield name, outcome, ADDRESS, evidence
    for address, host, outcome in (
        ("example.org", "example.org", GOOD),
        ("example.org", "", GOOD),
        ("other.example", "example.org", MODIFIED),
    ):
        variables = {"LANG": "C.UTF-8", "BASE_HOST": address, "PORT": "8080", "BIND": EVERYWHERE}
        edge = seen("edge", environment={k: hash_value(v) for k, v in variables.items()})
        parts = {name: _with_variable(name, "TAARAFO_DOMAIN", host) for name in ("web", "worker")}
        yield f"at {address} as {host}", outcome, address, _report(edge=edge, **parts)


def _list_running() -> Iterator[tuple[str, str, Evidence]]:
    yield "all as released", GOOD, _report()
    yield "in another order", GOOD, report(containers=tuple(HONEST.values())[::-1])
    yield "nothing runs", NOTHING, report(containers=())
    yield "an app instead", MODIFIED, report(containers=(SEEN,))
    yield "an app too", MODIFIED, _report(SEEN)
    yield "twice the same", GOOD, _report(HONEST["web"])
    for name in PARTS:
        yield f"without {name}", NOTHING, _report(without=name)
        yield f"{name} twice, once with rights", MODIFIED, _report(seen(name, capabilities="1"))
    for service in ("spy", "", "Web", "__proto__", "constructor", "\u202e"):
        more = replace(HONEST["web"], service=service, container="9" * 64)
        yield f"more: {service!a}", MODIFIED, _report(more)
    for name, other in (("web", "edge"), ("queue", "agent"), ("web", "agent"), ("agent", "web")):
        part = replace(HONEST[other], service=name, container="9" * 64)
        yield f"{other} for {name}", MODIFIED, _report(**{name: part})


def _list_parts() -> Iterator[tuple[str, str, Evidence]]:
    for name, mount in PLANTED:
        yield f"{name} with {mount}", MODIFIED, _report(**{name: _with_mounts(name, mount)})
    for (part, what), (outcome, changes) in _CHANGES.items():
        yield f"{part} with {what}", outcome, _report(**{part: seen(part, **changes)})
    for outcome, part, variable, value in _VARIABLES:
        changed = _with_variable(part, variable, value)
        yield f"{part}: {variable}={value}", outcome, _report(**{part: changed})
    carried = (
        MountSeen("/host/containers/ab/mounts/shm", "tmpfs", "/", False),
        MountSeen("/host/proc/sys/fs/binfmt_misc", "autofs", "/", False),
        MountSeen("/host/proc/sys/fs/binfmt_misc", "binfmt_misc", "/", False),
    )
    yield "carried along", GOOD, _report(agent=_with_mounts("agent", *carried))
    for is_read_only in (True, False):
        for part in ("web", "edge"):
            mounts = tuple(replace(m, read_only=is_read_only) for m in HONEST[part].mounts)
            right = GOOD if is_read_only else MODIFIED
            name = f"{part}, all read only: {is_read_only}"
            yield name, right, _report(**{part: seen(part, mounts=mounts)})
    for count in (1, 2):
        yield f"files: {count} differ", MODIFIED, _report(web=seen("web", tree=_spoil_tree(count)))


def _spoil_tree(count: int) -> Tree:
    text = write_files("control")
    paths = list(dict(find_lines(text)))[:count]
    changed = {path: FileEntry(path, "f", 0o644, 0, 0, 2, "ff").line() for path in paths}
    lines = b"".join((dict(find_lines(text)) | changed).values())
    return Tree(root_of(lines), root_of(text), 2, tuple(v.decode() for v in changed.values()))


def _with_mounts(name: str, *more: MountSeen) -> ContainerSeen:
    return seen(name, mounts=(*HONEST[name].mounts, *more))


def _with_variable(name: str, variable: str, value: str) -> ContainerSeen:
    return seen(name, environment=HONEST[name].environment | {variable: hash_value(value)})


_CHANGES: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("web", "the agent's rights"): (MODIFIED, {"capabilities": CAP_OF_AGENT}),
    ("agent", "another right"): (MODIFIED, {"capabilities": f"{1 << 19 | 1 << 21:016x}"}),
    ("agent", "a right without a name"): (MODIFIED, {"capabilities": "8000000000000000"}),
    ("agent", "fewer rights"): (GOOD, {"capabilities": "0" * 16}),
    ("agent", "privileges to gain"): (GOOD, {"no_new_privileges": False}),
    ("agent", "no filter"): (MODIFIED, {"seccomp": 0}),
    ("web", "root"): (MODIFIED, {"users": (0,)}),
    ("web", "another user too"): (MODIFIED, {"users": (10001, 10002)}),
    ("web", "no users"): (GOOD, {"users": ()}),
    ("agent", "another user"): (MODIFIED, {"users": (10001,)}),
    ("agent", "another command"): (MODIFIED, {"command_sha256": "00"}),
    ("edge", "any command"): (GOOD, {"command_sha256": "00"}),
    ("web", "no program"): (NOTHING, {"processes": ()}),
    ("web", "somebody inside"): (MODIFIED, {"execs": 2}),
}
_VARIABLES = (
    (GOOD, "web", "TAARAFO_STACK", "another"),
    (GOOD, "registry", "REGISTRY_HTTP_ADDR", "127.0.0.1:9"),
    (GOOD, "web", "TAARAFO_DOMAIN", "localhost"),
    (GOOD, "edge", "BIND", EVERYWHERE),
    (GOOD, "web", "HOME", "x"),
    (MODIFIED, "web", "TAARAFO_DOMAIN", "other.example"),
    (MODIFIED, "web", "TAARAFO_DOMAIN", "{host}"),
    (MODIFIED, "web", "TAARAFO_STATE", "/elsewhere"),
    (MODIFIED, "edge", "BIND", "127.0.0.1\n}\nrespond hello"),
    (MODIFIED, "edge", "PORT", "9000"),
    (MODIFIED, "queue", "TAARAFO_STACK", "mine"),
)


def _list_recipes() -> Iterator[tuple[str, str, Recipe]]:
    """Releases that a publisher signs although they are none, and one whose image is missing."""
    own, parts = OWN.recipe, dict(PARTS)
    app = SEEN.service
    yield "a release of nothing", REJECTED, own.model_copy(update={"services": None})
    yield "a release of no services", REJECTED, own.model_copy(update={"services": {}})
    for name, outcome, changes in (
        ("a user of the system's", REJECTED, {"uid": 999}),
        ("a user below zero", REJECTED, {"uid": -1}),
        ("a right by another name", REJECTED, {"capabilities": ("SYS_ADMIN",)}),
        ("a relative mount", REJECTED, {"mounts": (_mount("run/x"),)}),
        ("a mount of everything", REJECTED, {"mounts": (_mount("/"),)}),
        ("an image that is not there", REJECTED, {"image": "nobody"}),
    ):
        changed = parts | {"web": parts["web"].model_copy(update=changes)}
        yield f"a release with {name}", outcome, own.model_copy(update={"services": changed})
    for name, outcome, copies in (
        ("what is backed up", GOOD, {"db": "copy/db"}),
        ("a backup of nothing", REJECTED, {}),
        ("a backup from outside", REJECTED, {"../db": "copy/db"}),
        ("a backup to the root", REJECTED, {"db": "/copy/db"}),
    ):
        backup = RecipeBackup.model_construct(copies=copies, leave_out=())
        yield f"a release with {name}", outcome, own.model_copy(update={"backup": backup})
    named = {**parts, "Web": parts["web"]}
    yield "a release with a strange name", REJECTED, own.model_copy(update={"services": named})
    only: dict[str, RecipePart] = {app: parts["web"]}
    one = own.model_copy(update={"services": only})
    yield "a release of one service, but not these", MODIFIED, one


def _mount(path: str) -> RecipeMount:
    return RecipeMount(path="/x").model_copy(update={"path": path})
