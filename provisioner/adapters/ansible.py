"""Runs a playbook on this machine through ansible-runner and tells what it is doing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_runner import interface

from provisioner.errors import HostNotPrepared
from provisioner.settings import ROOT

PLAYBOOKS = ROOT / "playbooks"
LOCALLY = {
    "ansible_connection": "local",
    "ansible_python_interpreter": "/usr/bin/python3",
}
KEPT_LINES = 20


class AnsiblePlaybooks:
    """`ansible-playbook` of our own environment, with a working folder that is gone afterwards.

    ansible-runner writes the environment and the events into that folder; nobody but its owner
    can enter it, and nothing of it stays.
    """

    def __init__(self, folder: Path = PLAYBOOKS) -> None:
        self._folder = folder

    def run(
        self, playbook: str, variables: Mapping[str, object], say: Callable[[str], None]
    ) -> int:
        """Run `<playbook>.yml` of the folder; returns how many tasks changed something.

        Raises HostNotPrepared with the task that failed.
        """
        story = Story(say)
        with tempfile.TemporaryDirectory(prefix="taarafo-ansible-") as folder:
            run: Any = interface.run
            result = run(
                private_data_dir=folder,
                playbook=str(self._folder / f"{playbook}.yml"),
                inventory={"all": {"hosts": {"localhost": LOCALLY}}},
                extravars=dict(variables),
                envvars=get_environment(folder),
                event_handler=story.follow,
                quiet=True,
            )
        if result.rc != 0:
            raise HostNotPrepared(story.last_lines, task=story.task, hint=story.get_hint())
        return story.changed


def get_environment(folder: str) -> dict[str, str]:
    """Our own `ansible-playbook` first on PATH, and none of its files in the home folder."""
    programs = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
        "ANSIBLE_HOME": folder,
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }


@dataclass
class Story:
    """What the events of one run tell: sentences, the number of changes, and the failure."""

    say: Callable[[str], None]
    task: str = "the start"
    changed: int = 0
    message: str = ""
    lines: list[str] = field(default_factory=list)

    def follow(self, event: dict[str, Any]) -> bool:
        """One event of ansible-runner. False: it is not written to disk."""
        facts = event.get("event_data", {})
        kind = event["event"]
        if kind == "playbook_on_task_start":
            self.tell(facts)
        elif kind in ("runner_on_failed", "runner_on_unreachable"):
            if not facts.get("ignore_errors"):
                self.message = str(facts.get("res", {}).get("msg", ""))
        elif kind == "playbook_on_stats":
            self.changed = sum(facts["changed"].values())
        self.lines = [*self.lines, *event.get("stdout", "").splitlines()][-KEPT_LINES:]
        return False

    def tell(self, facts: Mapping[str, Any]) -> None:
        """Say the name of a task; a look-up has none, so its action stands in its place."""
        name = str(facts["task"])
        if name != facts["task_action"]:
            self.task = name
            self.say(name)

    def get_hint(self) -> str:
        """Our own tasks say a sentence; what a module or a program says is quoted."""
        first = self.message.strip().partition("\n")[0]
        if first.endswith("."):
            return first
        said = f"The machine said: {first}. " if first else ""
        return f"{said}Run `./taarafo doctor`: it says what is wrong and what to do."

    @property
    def last_lines(self) -> str:
        return "\n".join(self.lines)
