"""Decide the jobs of a move: closing to writing, bundling, counting again, leading away. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from provisioner.core.keeping import READ_ALL, Shelf, plan_keeper
from provisioner.core.node_jobs import plan_erasing, plan_tool
from provisioner.core.place import Place, door_dir, home_dir, host_of, repository_dir
from provisioner.models.community import Community
from provisioner.models.release import RecipeBackup
from provisioner.models.service import JobSpec, Mount

OUT = "/out"
READ_ONLY, MOVED = "read-only", "moved"  # what the edge looks for (images/edge/Caddyfile)
MAY_WRITE = ("CAP_DAC_OVERRIDE",)
# $1: folder of the door, $2: where it lives now
LEAD_AWAY = """
install -d -m 0755 "$1/moved.new"
: > "$1/moved.new/$2"
rm -rf --one-file-system -- "$1/moved"
mv -T -- "$1/moved.new" "$1/moved"
"""


def plan_reading(community: Community, place: Place) -> JobSpec:
    """From when this is done on, the edge passes no writing request on. Safe to repeat."""
    door = door_dir(community, place)
    words = ("touch", "--", f"{door}/{READ_ONLY}")
    return plan_tool(community, place, "read-only", words, (door,))


def plan_writing(community: Community, place: Place) -> JobSpec:
    """Let it be written again. Safe to repeat."""
    door = door_dir(community, place)
    words = ("rm", "-f", "--", f"{door}/{READ_ONLY}")
    return plan_tool(community, place, "writable", words, (door,))


def plan_export(
    community: Community,
    backup: RecipeBackup,
    folder: str,
    part: str,
    card: str,
    place: Place,
) -> JobSpec:
    """A fresh repository in the folder `part` of the host's `folder`, read back whole and listed
    (`provisioner.node.export`)."""
    wish = {
        "repository": f"{OUT}/{part}/repository",
        "copies": backup.copies,
        "leave_out": list(backup.leave_out),
        "community": community.id,
        "card": card,
    }
    mounts = (
        Mount(f"{home_dir(community, place)}/data", "/data", read_only=True),
        Mount(folder, OUT),
    )
    capabilities = (*READ_ALL, *MAY_WRITE)
    return plan_keeper(community, place, Shelf(""), "export", wish, mounts, capabilities)


def plan_pack(
    community: Community, folder: str, part: str, file: str, letter: str, place: Place
) -> JobSpec:
    """One file of it, with the signed `letter` first (`provisioner.node.pack`)."""
    wish = {"part": f"{OUT}/{part}", "file": f"{OUT}/{file}", "letter": letter}
    job = plan_keeper(community, place, Shelf(""), "pack", wish, (Mount(folder, OUT),), MAY_WRITE)
    return JobSpec(replace(job.service, secrets=()))


def plan_leave_no_part(community: Community, folder: str, part: str, place: Place) -> JobSpec:
    """Nothing half made stays beside the bundle."""
    return plan_erasing(community, place, "no-part", (f"{folder}/{part}",), (folder,))


def plan_recount(community: Community, backup: RecipeBackup, place: Place) -> JobSpec:
    """Count what is there now (`provisioner.node.recount`)."""
    wish = {"copies": backup.copies, "leave_out": list(backup.leave_out)}
    data = Mount(f"{home_dir(community, place)}/data", "/data", read_only=True)
    job = plan_keeper(community, place, Shelf(""), "recount", wish, (), READ_ALL)
    return JobSpec(replace(job.service, secrets=(), mounts=(data,)))  # it writes nothing at all


def plan_lead_away(community: Community, home: str, place: Place) -> JobSpec:
    """The edge sends everybody on to `home`, an address such as `https://a.example:8443`."""
    door, name = door_dir(community, place), home.replace("://", ":", 1)
    words = ("sh", "-ec", LEAD_AWAY, "lead-away", door, name)
    return plan_tool(community, place, "lead-away", words, (door,))


def plan_erase_evidence(community: Community, place: Place) -> JobSpec:
    """What the agent last signed about what does not run here any more."""
    evidence = f"{place.evidence_dir}/{host_of(community)}"
    return plan_erasing(community, place, "no-evidence", (evidence,), (place.evidence_dir,))


def plan_erase_kept(community: Community, place: Place) -> JobSpec:
    """What was kept of one that moved; its address still leads away."""
    erased = (home_dir(community, place), repository_dir(community, place))
    roots = tuple(str(PurePosixPath(each).parent) for each in erased)
    return plan_erasing(community, place, "erase-kept", erased, roots)
