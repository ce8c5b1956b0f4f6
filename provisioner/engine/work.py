"""The work of one Operation: what its steps may see and call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

from provisioner.core.place import Place, host_of, name_of, service_of
from provisioner.core.planning import Plan, facts_for_templates, plan_community
from provisioner.core.rendering import render_templates
from provisioner.engine.context import Context
from provisioner.models.community import Community
from provisioner.models.operation import Operation, StepState
from provisioner.models.release import Release
from provisioner.store.holding import Hold


@dataclass
class Work:
    """One Operation on one Community, held by this worker."""

    context: Context
    operation: Operation
    community: Community
    log: Callable[[str], None] = field(repr=False)
    hold: Hold | None = None  # None: of somebody who looks, and changes nothing
    step: int = 0  # the position of the step that is carried out
    _releases: dict[str, Release] = field(default_factory=dict, init=False, repr=False)

    @property
    def place(self) -> Place:
        return self.context.place

    @cached_property
    def place_on_nodes(self) -> Place:
        """The place with the machines that there are. Raises Unavailable."""
        return replace(self.place, nodes=tuple(self.context.engine.list_nodes()))

    @property
    def name(self) -> str:
        """Prefix of every Swarm object of this community."""
        return name_of(self.community, self.place.stack)

    @property
    def service(self) -> str:
        """The service that it runs as."""
        return service_of(self.community, self.place.stack)

    @property
    def community_host(self) -> str:
        return host_of(self.community)

    @cached_property
    def release(self) -> Release:
        return self.read_release(self.community.release)

    def read_release(self, target: str) -> Release:
        """A published release, verified once for this run: steps that wait ask again and again."""
        if target not in self._releases:
            self._releases[target] = self.context.releases.get(target)
        return self._releases[target]

    @cached_property
    def plan(self) -> Plan:
        return self.plan_as(self.community, self.release)

    def plan_as(self, community: Community, release: Release) -> Plan:
        """What it is made of when it is as `community` says."""
        facts = facts_for_templates(community, release, self.place)
        rendered = render_templates(release.templates, facts)
        return plan_community(community, release, rendered, self.place_on_nodes)

    def has_begun(self, step: str) -> bool:
        """Whether a step of this Operation was ever started, by whichever worker."""
        rows = self.context.store.list_steps(self.operation.id)
        return any(row.name == step and row.state != StepState.PENDING for row in rows)

    @property
    def secrets(self) -> dict[str, str]:
        """What was minted for this community; empty before `mint_secrets`."""
        if not self.community.sealed_secrets:
            return {}
        unsealed: dict[str, str] = json.loads(
            self.context.vault.unseal(self.community.sealed_secrets)
        )
        return unsealed

    def keep_secrets(self, more: Mapping[str, str]) -> None:
        """Seal them with those that it has; one of the same name is replaced."""
        sealed = self.context.vault.seal(json.dumps({**self.secrets, **more}).encode())
        self.change(sealed_secrets=sealed)

    def change(self, **values: object) -> None:
        """Record on the community's row, and see it here at once. Raises LeaseLost."""
        self.context.store.change_held(self.hold, self.community.id, values)
        self._see_again()

    def rename(self, label: str, address: str) -> None:
        """Raises Conflict when somebody has that name, or one like it, and LeaseLost."""
        self.context.store.give_name(self.hold, self.community.id, label, address)
        self._see_again()

    def note(self, asked: Mapping[str, str]) -> None:
        """Record what was found out of what is wished. Raises LeaseLost."""
        self.context.store.record_asked(self.hold, self.operation.id, asked)
        self.operation.asked = dict(asked)

    def _see_again(self) -> None:
        self.community = self.context.store.get_community(self.community.id)


LATE_BY = 0.05  # of what a step has waited: so much later it may see that it need not wait
SELDOM_SECONDS = 5.0


@dataclass(frozen=True)
class StepPlan:
    """How a step is run: `effect` is idempotent and raises Unavailable while it has to wait.

    It is tried again after `poll_seconds`, and the more seldom the longer it waits.
    """

    name: str
    effect: Callable[[Work], object]
    poll_seconds: float = 0.5
    deadline_seconds: int | None = None  # None: the setting
    is_vital: bool = True  # False: its failure is noted, and the operation goes on

    def pause_after(self, waited: timedelta) -> float:
        """Seconds until it is tried again."""
        late = min(waited.total_seconds() * LATE_BY, SELDOM_SECONDS)
        return max(self.poll_seconds, late)
