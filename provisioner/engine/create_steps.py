"""The steps that create a community. Each may be run again after a crash at any instant."""

from __future__ import annotations

import json
from datetime import timedelta

from provisioner.core.planning import OWNER_SECRET
from provisioner.engine.backups.phrase import PHRASE, mint_phrase
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.keys import mint_secrets_for, write_owner
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import AppFailed, NotEnoughRoom, ReleaseUnknown, Unavailable
from provisioner.models.community import CommunityState
from provisioner.models.service import JobState
from provisioner.models.verdict import Outcome

SIGNIN_LIFETIME = timedelta(days=7)


def check_room(work: Work) -> None:
    """Refuse before anything was made."""
    free, needed = work.context.room.free_mb(), work.context.settings.minimum_free_mb
    if free < needed:
        raise NotEnoughRoom(free_mb=free, needed_mb=needed)


def pin_release(work: Work) -> None:
    """The newest release of the channel, once: it stays pinned."""
    if not work.community.release:
        release = work.context.releases.newest(work.community.app, work.community.channel)
        if release.recipe.service is None:
            raise ReleaseUnknown(name=f"of an app called {release.name}")
        work.change(release=release.target, version=release.version)
        work.release = release
    work.log(f"release {work.community.release}")


def mint_secrets(work: Work) -> None:
    """Mint once, seal in the database, then hand each to the Swarm."""
    if not work.community.sealed_secrets:
        minted = mint_secrets_for(work.release.recipe)
        sealed = {**minted.sealed, PHRASE: mint_phrase()}
        work.change(
            sealed_secrets=work.context.vault.seal(json.dumps(sealed).encode()),
            console_sha256=minted.console_sha256,
        )
    secrets, engine, plan = work.secrets, work.context.engine, work.plan
    for name in plan.secrets:
        value = bytes.fromhex(secrets[f"app:{name}"])
        engine.ensure_secret(f"{plan.name}-{name}", value, plan.labels)
    expires = work.community.created_at + SIGNIN_LIFETIME
    owner = write_owner(work.community, secrets, expires)
    engine.ensure_secret(f"{plan.name}-{OWNER_SECRET}", owner, plan.labels)


def prepare_node(work: Work) -> None:
    """Start making the folders; `start_service` waits for it, so that other steps go on."""
    work.context.engine.start_job(work.plan.prepare)


def render_configs(work: Work) -> None:
    for name, content in work.plan.configs.items():
        work.context.engine.ensure_config(name, content, work.plan.labels)


def create_network(work: Work) -> None:
    """Without connections the network has no route out (docs/threat-model.md)."""
    plan = work.plan
    work.context.engine.ensure_network(plan.network, internal=plan.is_internal, labels=plan.labels)


def start_service(work: Work) -> None:
    await_job(work, work.plan.prepare.service.name, "room for your community")
    work.context.engine.ensure_service(work.plan.service)


def create_owner(work: Work) -> None:
    """Runs beside the starting service; `await_owner` waits for it."""
    work.context.engine.start_job(work.plan.owner)


def await_health(work: Work) -> None:
    """Through the edge, as a member would come."""
    recipe = work.release.recipe
    status = work.context.gateway.get_status(work.community_host, recipe.app.health)
    if status != 200:
        raise Unavailable(_why_not_healthy(work, status), part="your community to wake up")


def await_owner(work: Work) -> None:
    await_job(work, work.plan.owner.service.name, "your keys")
    if work.community.state != CommunityState.RUNNING:
        work.change(state=CommunityState.RUNNING, ready_at=work.context.clock.now())


def attest(work: Work) -> None:
    """Record what the first check says; a bad verdict is shown, not hidden by undoing.

    The community is open already, so this step is not vital: a check that does not come must
    not close it.
    """
    verdict = record_verdict(work.context, work.community)
    work.log(f"verdict {verdict.outcome}")
    if verdict.outcome in (Outcome.UNVERIFIABLE, Outcome.UNKNOWN):
        raise Unavailable(verdict.outcome, part="the first check")


def tidy(work: Work) -> None:
    """The jobs are done; the owner's secret must not stay."""
    plan, engine = work.plan, work.context.engine
    for job in (plan.prepare, plan.owner):
        engine.remove_service(job.service.name)
    engine.remove_secret(f"{plan.name}-{OWNER_SECRET}")


def await_job(work: Work, name: str, part: str) -> None:
    """Returns when the job succeeded; raises Unavailable while it runs.

    Raises AppFailed when it failed, e.g. because the engine was stopped; then the job is taken
    away, so that whoever tries again starts it anew.
    """
    state = work.context.engine.get_job_state(name)
    if state is JobState.FAILED:
        task = work.context.engine.find_task(name)
        for line in work.context.engine.read_logs(name, lines=20):
            work.log(line)
        work.context.engine.remove_service(name)
        raise AppFailed(f"{name}: {task.message if task else 'gone'}")
    if state is not JobState.SUCCEEDED:
        raise Unavailable(f"{name} is {state}", part=part)


def _why_not_healthy(work: Work, status: int) -> str:
    task = work.context.engine.find_task(work.service)
    return f"health {status}; task {task.state if task else 'none'} {task.message if task else ''}"


CREATE_STEPS = (
    StepPlan("check_room", check_room),
    StepPlan("pin_release", pin_release),
    StepPlan("mint_secrets", mint_secrets),
    StepPlan("prepare_node", prepare_node),
    StepPlan("render_configs", render_configs),
    StepPlan("create_network", create_network),
    StepPlan("start_service", start_service, poll_seconds=0.03),
    StepPlan("create_owner", create_owner),
    StepPlan("await_health", await_health, poll_seconds=0.05),
    StepPlan("await_owner", await_owner, poll_seconds=0.05),
    StepPlan("tidy", tidy),
    StepPlan("attest", attest, poll_seconds=0.25, deadline_seconds=30, is_vital=False),
)
