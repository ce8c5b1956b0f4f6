"""The desired state: queries, and transitions that compare before they swap."""

from __future__ import annotations

from provisioner.store.backups import Backups
from provisioner.store.bundles import Bundles
from provisioner.store.communities import Communities, Page
from provisioner.store.copies import Copies
from provisioner.store.disks import Disks
from provisioner.store.operations import Operations
from provisioner.store.rollouts import Rollouts
from provisioner.store.steps import Steps

__all__ = ["Page", "Store"]


class Store(Backups, Bundles, Communities, Copies, Disks, Operations, Rollouts, Steps):
    """All reads and writes of the database. One instance a process; threads may share it."""
