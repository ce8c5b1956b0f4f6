"""Decide the jobs that keep a community's data: what each is given, and what it is asked. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from provisioner.core.node_jobs import CAPABILITIES, ROOT, plan_erasing, plan_tool
from provisioner.core.place import (
    EDGE_UID,
    Place,
    drill_dir,
    home_dir,
    name_of,
    repository_dir,
    scratch_dir,
)
from provisioner.core.placement import pin
from provisioner.core.planning import plan_command
from provisioner.core.tally import Tally
from provisioner.models.community import Community
from provisioner.models.release import RecipeBackup, Release
from provisioner.models.service import FileRef, JobSpec, Limits, Mount, ServiceSpec

LOCAL, S3, SOURCE = "local", "s3", "source"
REPOSITORY = "/repository"
READ_ALL = ("CAP_DAC_READ_SEARCH",)
BEFORE_BACKUP, AFTER_RESTORE = "before-backup", "after-restore"
SERVE_RESTORED = "serve-restored"
# $1: scratch folder, $2: repository
MAKE_ROOM = 'install -d -m 0700 "$1" "$2"'
# $1: scratch folder, $2: folder of the drill, $3: owner, $4: group
MAKE_STAGE = """
rm -rf --one-file-system -- "$2"
install -d -m 0700 "$1" "$2"
install -d -m 0750 -o "$3" -g "$4" "$2/edge"
"""


# $1: the folder that was brought back, $2: where the app looks for it
MOVE_IN = """
[ -d "$1" ] || exit 0
rm -rf --one-file-system -- "$2"
mv -T -- "$1" "$2"
"""


@dataclass(frozen=True)
class Shelf:
    """Where backups are: its name in our notes, and the repository in restic's words.

    `folder` is the host's, of a local one; `keys` the Swarm secret that opens an S3 store. Into one
    that is not ours nothing is written.
    """

    name: str
    repository: str = REPOSITORY
    folder: str = ""
    keys: str = ""
    is_ours: bool = True


def list_shelves(community: Community, place: Place) -> tuple[Shelf, ...]:
    """The local folder, and the S3 store where there is one."""
    local = Shelf(LOCAL, folder=repository_dir(community, place))
    if not place.backup_s3:
        return (local,)
    address = f"{place.backup_s3}/{community.id}"
    return (local, Shelf(S3, address, keys=place.backup_s3_secret))


def find_source(community: Community, address: str, place: Place) -> Shelf:
    """Where a community is brought back from: a folder of the host, or `s3:…`."""
    if address.startswith(f"{S3}:"):
        return Shelf(SOURCE, address, keys=source_secret(community, place), is_ours=False)
    return Shelf(SOURCE, folder=address, is_ours=False)


def source_secret(community: Community, place: Place) -> str:
    """Name of the Swarm secret with the keys of the S3 store that it is brought back from."""
    return f"{name_of(community, place.stack)}-source"


def phrase_secret(community: Community, place: Place) -> str:
    """Name of the Swarm secret that is there only while a job needs it."""
    return f"{name_of(community, place.stack)}-phrase"


def stage_name(community: Community, place: Place) -> str:
    """Name of the throw-away app of a drill, and of its network."""
    return f"{name_of(community, place.stack)}-drill"


def get_backup(release: Release) -> RecipeBackup | None:
    """What is copied of this app; None when its recipe says nothing, or has no commands for it."""
    recipe = release.recipe
    has_commands = {BEFORE_BACKUP, AFTER_RESTORE} <= recipe.commands.keys()
    return recipe.backup if has_commands else None


def plan_room(community: Community, place: Place) -> JobSpec:
    """Make the folders that the keeper's jobs work in."""
    words = ("sh", "-ec", MAKE_ROOM, "room")
    folders = (scratch_dir(community, place), repository_dir(community, place))
    return plan_tool(community, place, "room", (*words, *folders), _list_roots(place))


def plan_back_up(
    community: Community, backup: RecipeBackup, shelf: Shelf, day: int, card: str, place: Place
) -> JobSpec:
    """Copy, read back and count (`provisioner.node.back_up`); it can change no data.

    `card` is sealed: an argument can be seen by whoever looks at the job.
    """
    wish = {**_wish(backup, shelf), "community": community.id, "day": day, "card": card}
    data = Mount(f"{home_dir(community, place)}/data", "/data", read_only=True)
    return plan_keeper(community, place, shelf, "back_up", wish, (data,), READ_ALL)


def plan_thin_out(
    community: Community,
    shelf: Shelf,
    good: Mapping[str, str],
    rules: Mapping[str, int],
    place: Place,
) -> JobSpec:
    """Forget what the rules no longer keep. `good` maps snapshots that count to their moments."""
    wish = {"repository": shelf.repository, "good": dict(good), "rules": dict(rules)}
    return plan_keeper(community, place, shelf, "thin_out", wish, (), ())


def plan_stage(community: Community, release: Release, place: Place) -> JobSpec:
    """An empty folder for a drill, and one for its door that no edge looks into."""
    words = ("sh", "-ec", MAKE_STAGE, "stage")
    folders = (scratch_dir(community, place), drill_dir(community, place))
    owner = (str(release.recipe.app.uid), str(EDGE_UID))
    return plan_tool(community, place, "stage", (*words, *folders, *owner), _list_roots(place))


def plan_bring_back(
    community: Community,
    backup: RecipeBackup,
    shelf: Shelf,
    snapshot: str,
    tally: Tally,
    place: Place,
) -> JobSpec:
    """Restore into the drill's folder and count (`provisioner.node.restore`)."""
    wish = {**_wish(backup, shelf), "snapshot": snapshot, "tally": tally.to_json()}
    target = Mount(drill_dir(community, place), "/target")
    return plan_keeper(community, place, shelf, "restore", wish, (target,), CAPABILITIES)


def plan_find_card(community: Community, shelf: Shelf, snapshot: str, place: Place) -> JobSpec:
    """What is there to be brought back (`provisioner.node.find_card`)."""
    wish = {"repository": shelf.repository, "is_ours": shelf.is_ours, "snapshot": snapshot}
    return plan_keeper(community, place, shelf, "find_card", wish, (), READ_ALL)


def plan_move_in(community: Community, place: Place) -> JobSpec:
    """Put what was brought back where the app looks for it. Safe to repeat."""
    home = home_dir(community, place)
    words = ("sh", "-ec", MOVE_IN, "move-in", f"{drill_dir(community, place)}/data", f"{home}/data")
    return plan_tool(community, place, "move-in", words, (home,))


def plan_drill(
    community: Community,
    release: Release,
    backup: RecipeBackup,
    shelf: Shelf,
    snapshot: str,
    tally: Tally,
    place: Place,
) -> JobSpec:
    """Bring back what the throw-away app is started on, and count (`provisioner.node.drill`).

    It waits in the app's network, which leads nowhere, unless it needs the way to an S3 store: the
    second one in a network is there sooner than the first.
    """
    wish = {
        **_wish(backup, shelf),
        "snapshot": snapshot,
        "tally": tally.to_json(),
        "later": list_later(release, backup),
        "health": release.recipe.app.health,
    }
    target = Mount(drill_dir(community, place), "/target")
    job = plan_keeper(community, place, shelf, "drill", wish, (target,), CAPABILITIES)
    if shelf.keys:
        return job
    return JobSpec(replace(job.service, networks=(stage_name(community, place),)))


def list_later(release: Release, backup: RecipeBackup) -> list[str]:
    """Folders of the data that may come back while the app is started: they hold no database."""
    used = [path for pair in backup.copies.items() for path in pair]
    return [
        folder
        for folder in release.recipe.immutable or ()
        if not any(path.startswith(f"{folder}/") for path in used)
    ]


def plan_stage_app(
    community: Community, release: Release, service: ServiceSpec, place: Place
) -> ServiceSpec:
    """The app as it runs, but on what was brought back, and alone in a network of its own.

    It is none of the community's own services: nobody reaches it, and no check counts it.
    """
    stage, name = drill_dir(community, place), stage_name(community, place)
    command = release.recipe.commands.get(SERVE_RESTORED, service.command)
    return replace(
        service,
        name=name,
        command=command,
        labels={"org.taarafo.job": "drill", "org.taarafo.of": community.id},
        mounts=(Mount(f"{stage}/data", "/data"), Mount(f"{stage}/edge", "/run/edge")),
        networks=(name,),
        aliases=(),
    )


def puts_back_itself(release: Release) -> bool:
    """Whether the app has one command that puts its copy back and then serves."""
    return SERVE_RESTORED in release.recipe.commands


def plan_put_back(community: Community, release: Release, staged: ServiceSpec) -> JobSpec:
    """The recipe's `after-restore`, on what was brought back."""
    labelled = replace(staged, labels={"org.taarafo.community": community.id})
    job = plan_command(labelled, release, AFTER_RESTORE)
    return JobSpec(replace(job.service, name=f"{staged.name}-put"))


def plan_clear(community: Community, place: Place) -> JobSpec:
    """Erase what a drill brought back, and what a killed job left in plain."""
    erased = (drill_dir(community, place), scratch_dir(community, place))
    return plan_erasing(community, place, "clear", erased, _list_roots(place))


def _wish(backup: RecipeBackup, shelf: Shelf) -> dict[str, object]:
    return {
        "repository": shelf.repository,
        "is_ours": shelf.is_ours,
        "copies": backup.copies,
        "leave_out": list(backup.leave_out),
    }


def plan_keeper(
    community: Community,
    place: Place,
    shelf: Shelf,
    module: str,
    wish: Mapping[str, object],
    mounts: tuple[Mount, ...],
    capabilities: tuple[str, ...],
) -> JobSpec:
    name, verb = name_of(community, place.stack), module.replace("_", "-")
    own: tuple[Mount, ...] = (Mount(scratch_dir(community, place), "/scratch"),)
    secrets: tuple[FileRef, ...] = (
        FileRef(phrase_secret(community, place), "/run/secrets/phrase"),
    )
    if shelf.keys:
        secrets += (FileRef(shelf.keys, "/run/secrets/s3"),)
    if shelf.folder:
        own += (Mount(shelf.folder, REPOSITORY, read_only=not shelf.is_ours),)
    return JobSpec(
        ServiceSpec(
            name=f"{name}-{verb}-{shelf.name}".rstrip("-"),
            image=place.keeper_image,
            command=("python3", "-m", f"provisioner.node.{module}", json.dumps(wish)),
            user=ROOT,
            labels={"org.taarafo.job": verb, "org.taarafo.of": community.id},
            mounts=(*own, *mounts),
            secrets=secrets,
            networks=("host",),  # the way to an S3 store; nothing listens
            capabilities=capabilities,
            constraints=pin(place.nodes),
            limits=Limits(memory_mb=1024, cpus=2.0, pids=256),
        )
    )


def _list_roots(place: Place) -> tuple[str, ...]:
    return (place.communities_dir, place.backup_dir)
