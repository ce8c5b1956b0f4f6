"""A founder's recovery kit: what opens her backups without us. For her alone, never for a log."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from provisioner.core.keeping import LOCAL, list_shelves
from provisioner.core.place import repository_dir
from provisioner.engine.backups.phrase import PHRASE
from provisioner.engine.context import Context
from provisioner.errors import NotFound
from provisioner.models.community import Community


@dataclass(frozen=True)
class Copies:
    """Where her backups lie: a folder of the host, or an address in restic's words."""

    place: str
    is_elsewhere: bool  # than on the machine that runs her community


@dataclass(frozen=True)
class Kit:
    """`words` opens all of `copies`; none is secret without them."""

    words: tuple[str, ...]
    copies: tuple[Copies, ...]

    @property
    def command(self) -> str:
        """It brings her community back on another machine: from elsewhere, if it can."""
        source = min(self.copies, key=lambda copies: not copies.is_elsewhere).place
        phrase = " ".join(self.words)
        return f"./taarafo restore --from {shlex.quote(source)} --phrase {shlex.quote(phrase)}"


def has_kit(context: Context, community: Community) -> bool:
    return PHRASE in _unseal(context, community)


def open_kit(context: Context, community: Community) -> Kit:
    """Raises NotFound for a community that has no words yet, or none any more."""
    secrets = _unseal(context, community)
    if PHRASE not in secrets:
        raise NotFound(what="recovery kit", name=community.name)
    place = context.place
    copies = tuple(
        Copies(repository_dir(community, place), is_elsewhere=False)
        if shelf.name == LOCAL
        else Copies(shelf.repository, is_elsewhere=True)
        for shelf in list_shelves(community, place)
    )
    return Kit(tuple(secrets[PHRASE].split()), copies)


def _unseal(context: Context, community: Community) -> dict[str, str]:
    sealed = community.sealed_secrets
    secrets: dict[str, str] = json.loads(context.vault.unseal(sealed)) if sealed else {}
    return secrets
