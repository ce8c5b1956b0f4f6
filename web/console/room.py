"""How much room her community takes, in plain words, and what to do when there is little left."""

from __future__ import annotations

from provisioner.core.appraisal.wording import say_age
from provisioner.core.quotas import FULL, MB, NEAR, is_filling, measure_fill, quota_of, say_size
from provisioner.engine.context import Context
from provisioner.models.community import Community
from web.console.keeping import Sentence

TAKES = "It takes {used} of the disk. We looked {age}."
TAKES_OF = "It takes {used} of the {most} that it may have. We looked {age}."
NEARLY = (
    "That is {fill} %. When all of it is used, nobody can add photos. Words still work. "
    "Delete photos that you no longer need, or ask who runs this place for more room."
)
USED_UP = (
    "So it is full, and nobody can add photos now. Words still work, and nothing is lost. "
    "Delete photos that you no longer need, or ask who runs this place for more room."
)
DISK = (
    "The disk that it is on is {fill} % full. Ask who runs this place to make room. "
    "When very little is left, nobody can add photos. Words still work."
)


def describe_room(context: Context, community: Community) -> list[Sentence]:
    """Nothing before the first look."""
    disks = [
        Sentence(DISK.format(fill=disk.used * 100 // disk.total), is_bad=True)
        for disk in context.store.list_disks()
        if is_filling(disk)
    ]
    return [*_say_use(context, community), *disks[:1]]


def _say_use(context: Context, community: Community) -> list[Sentence]:
    if community.data_bytes is None or community.weighed_at is None:
        return []
    quota = quota_of(community, context.settings.quota_mb)
    words = TAKES_OF if quota else TAKES
    age = say_age(community.weighed_at, context.clock.now())
    used, most = say_size(community.data_bytes), say_size(quota * MB)
    said = [Sentence(words.format(used=used, most=most, age=age))]
    fill = measure_fill(community.data_bytes, quota)
    if fill is not None and fill >= NEAR:
        said.append(Sentence((USED_UP if fill >= FULL else NEARLY).format(fill=fill), is_bad=True))
    return said
