"""Decide the one-shot jobs that work beside a community's data, on the host that has it. Pure."""

from __future__ import annotations

from provisioner.core.place import (
    EDGE_UID,
    Place,
    door_dir,
    home_dir,
    host_of,
    name_of,
    repository_dir,
    slot_dir,
)
from provisioner.core.placement import pin
from provisioner.models.community import Community
from provisioner.models.release import Release
from provisioner.models.service import FileRef, JobSpec, Limits, Mount, ServiceSpec

ROOT = "0:0"
CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")
TOKEN = "token"  # noqa: S105 - a name, not a secret
# $1: owner, $2: group, $3: folder of the door, $4: name of the slot, the rest: folders to make
PREPARE = """
owner="$1" group="$2" door="$3" slot="$4"; shift 4
install -d -m 0750 -o "$owner" -g "$group" "$@"
[ -z "$slot" ] || ln -sfn "$slot/http.sock" "$door/http.sock"
"""


def plan_prepare(community: Community, uid: int, place: Place) -> JobSpec:
    """Make the data folder and the doors to the edge on the community's node; open its slot's."""
    door, slot = door_dir(community, place), community.slot
    folders = (f"{home_dir(community, place)}/data", door, slot_dir(community, place))
    words = ("sh", "-ec", PREPARE, "prepare", str(uid), str(EDGE_UID), door, slot, *folders)
    return plan_tool(community, place, "prepare", words, _list_roots(place))


def plan_erase(community: Community, place: Place) -> JobSpec:
    """Erase the data folder, the door, the evidence and the local backups."""
    erased = (
        home_dir(community, place),
        door_dir(community, place),
        f"{place.evidence_dir}/{host_of(community)}",
        repository_dir(community, place),
    )
    return plan_erasing(community, place, "erase", erased, _list_roots(place))


def plan_forget(community: Community, place: Place) -> JobSpec:
    """Erase what was kept before upgrades."""
    home = home_dir(community, place)
    return plan_erasing(community, place, "forget", (f"{home}/snapshots",), (home,))


def plan_attendant(community: Community, release: Release, place: Place, secret: str) -> JobSpec:
    """Who stands beside the data during an upgrade (`provisioner.node.attendant`).

    `secret` is the Swarm secret with the token that its orders have to bring. `release` is the
    one that is upgraded to: it says what of the data never changes once it is written.
    """
    home, door = home_dir(community, place), door_dir(community, place)
    uid = release.recipe.app.uid
    command = (
        *("python3", "-m", "provisioner.node.attendant"),
        *("--home", home, "--door", door, "--uid", str(uid), "--gid", str(EDGE_UID)),
        *(word for folder in release.recipe.immutable or () for word in ("--immutable", folder)),
    )
    return JobSpec(
        ServiceSpec(
            name=f"{name_of(community, place.stack)}-attendant",
            image=place.node_image,
            command=command,
            user=ROOT,
            labels={"org.taarafo.job": "attendant", "org.taarafo.of": community.id},
            mounts=(Mount(home, home), Mount(door, door)),
            secrets=(FileRef(secret, f"/run/secrets/{TOKEN}"),),
            # it listens on a socket in the door's folder only; but as long as somebody is in the
            # community's network, the new version need not wait until there is one
            networks=(name_of(community, place.stack),),
            capabilities=CAPABILITIES,
            constraints=pin(place.nodes),
            limits=Limits(memory_mb=128, cpus=2.0, pids=32),
            stop_grace_seconds=1,
        )
    )


def plan_tool(
    community: Community,
    place: Place,
    verb: str,
    command: tuple[str, ...],
    folders: tuple[str, ...],
) -> JobSpec:
    """A job of the core tools, as root, with these folders of the host where the host has them."""
    return JobSpec(
        ServiceSpec(
            name=f"{name_of(community, place.stack)}-{verb}",
            image=place.tools_image,
            command=command,
            user=ROOT,
            labels={"org.taarafo.job": verb, "org.taarafo.of": community.id},
            mounts=tuple(Mount(folder, folder) for folder in folders),
            networks=("host",),  # nothing is sent; it only spares the node a bridge
            capabilities=CAPABILITIES,
            constraints=pin(place.nodes),
            limits=Limits(memory_mb=64, cpus=1.0, pids=16),
        )
    )


def plan_erasing(
    community: Community, place: Place, verb: str, erased: tuple[str, ...], folders: tuple[str, ...]
) -> JobSpec:
    """Erase folders below those that are mounted. Safe to repeat."""
    command = ("rm", "-rf", "--one-file-system", "--", *erased)
    return plan_tool(community, place, verb, command, folders)


def _list_roots(place: Place) -> tuple[str, ...]:
    return (place.communities_dir, place.edge_dir, place.evidence_dir, place.backup_dir)
