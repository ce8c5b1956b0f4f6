"""Measures a container's files, told as differences from the manifest that it claims."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from provisioner.agent.processes import Vanished
from provisioner.agent.reference import Claim
from provisioner.agent.walk import Walk
from provisioner.core.appraisal.contract import PSEUDO, Contract, judge_mounts
from provisioner.core.appraisal.tree import Comparison, drop_below
from provisioner.models.evidence import MountSeen, Tree, write_moment
from provisioner.models.manifest import find_lines, root_of

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def measure_tree(root: int, walk: Walk, claim: Claim, full_pass: datetime | None) -> Tree:
    """The files below the open folder `root`, as differences from the claimed manifest."""
    comparison = Comparison()
    reference = drop_below(find_lines(claim.manifest), walk.skip)
    digest = comparison.run(walk.lines(root), reference)
    return Tree(
        root=digest,
        base=root_of(claim.manifest) if claim.manifest else "",
        count=comparison.count,
        changed=tuple(comparison.changed),
        missing=tuple(comparison.missing),
        unlisted=comparison.unlisted,
        left_out=tuple(walk.left_out),
        full_pass=write_moment(full_pass) if full_pass else "",
    )


def plan_skips(mounts: Sequence[MountSeen], contract: Contract, container: str) -> dict[str, str]:
    """Paths that are not walked into, and why: permitted mounts, and what the kernel makes up."""
    permitted, refused = judge_mounts(mounts, contract, container)
    kinds = {mount.path: mount.kind for mount in mounts}
    pseudo = {path: f"a {kinds[path]} mount" for path in refused if kinds[path] in PSEUDO}
    return permitted | pseudo


@contextmanager
def open_root(process: int) -> Iterator[int]:
    """The root folder as the process sees it. Raises Vanished."""
    try:
        root = os.open("root", _FOLDER, dir_fd=process)
    except OSError as error:
        raise Vanished("root") from error
    try:
        yield root
    finally:
        os.close(root)
