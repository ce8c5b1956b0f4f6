"""Say in plain words what is wrong with this machine and what to do about it."""

from __future__ import annotations

from provisioner.core.diagnosis import Diagnosis, diagnose
from provisioner.models.machine import PortHolder
from provisioner.settings import Settings


def diagnose_machine(settings: Settings) -> list[Diagnosis]:
    """Every finding about this machine; it is ready when all are `ok`. Changes nothing."""
    from provisioner.adapters.inspection import inspect_machine

    return diagnose(inspect_machine(settings))


def find_port_holder(port: int) -> PortHolder | None:
    """The program that listens on this port, or None when the port is free."""
    from provisioner.adapters import port_holder

    return port_holder.find_port_holder(port)
