"""A community's keys: minted once, kept sealed, handed out as links to the right person."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from provisioner.engine.context import Context
from provisioner.errors import NotFound
from provisioner.models.community import Community
from provisioner.models.release import Recipe


@dataclass(frozen=True)
class Minted:
    sealed: dict[str, str]  # to be encrypted
    console_sha256: str


@dataclass(frozen=True)
class CommunityKeys:
    """Links that open things. Shown to the founder only, never logged."""

    signin_url: str
    invite_url: str
    console_token: str


def sha256_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def mint_token() -> str:
    """256 bits, as 43 letters that an address can hold."""
    return secrets.token_urlsafe(32)


def mint_secrets_for(recipe: Recipe) -> Minted:
    """256-bit tokens for the owner's sign-in, the first invitation and her page; app secrets."""
    sealed = {f"app:{name}": secrets.token_hex(size) for name, size in recipe.secrets.items()}
    sealed |= {name: mint_token() for name in ("signin", "invite", "console")}
    return Minted(sealed, sha256_of(sealed["console"]))


def write_owner(
    community: Community, sealed: dict[str, str], expires: datetime, *, invites: bool = True
) -> bytes:
    """The secret of the one-shot `create-owner`: digests only, so that the app keeps no token.

    Without `invites` the first invitation is left as it is in the data: open, over or withdrawn.
    """
    order = {
        "name": community.founder,
        "email": community.email,
        "signin_sha256": sha256_of(sealed["signin"]),
        "signin_expires": expires.isoformat(),
    }
    if invites:
        order["invite_sha256"] = sha256_of(sealed["invite"])
    return json.dumps(order).encode()


def get_keys(context: Context, community: Community) -> CommunityKeys:
    """Raises NotFound before they are minted and after the community is gone."""
    if not community.sealed_secrets:
        raise NotFound(what="key", name=community.name)
    sealed = json.loads(context.vault.unseal(community.sealed_secrets))
    url = f"{context.settings.scheme}://{community.address}"
    return CommunityKeys(
        signin_url=f"{url}/welcome/{sealed['signin']}",
        invite_url=f"{url}/join/{sealed['invite']}",
        console_token=sealed["console"],
    )
