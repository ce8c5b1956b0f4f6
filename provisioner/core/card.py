"""Write down all that a community is beside its data, and read it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.models.card import Card
from provisioner.models.community import Community


def make_card(community: Community, secrets: Mapping[str, str]) -> Card:
    """Of one that runs, with its unsealed `secrets`."""
    return Card.model_validate(
        {
            "secrets": dict(secrets),
            **{name: getattr(community, name) for name in Card.model_fields.keys() & COLUMNS},
        }
    )


def read_card(text: bytes) -> Card:
    """Raises ValueError for what is none, or is of a newer form."""
    return Card.model_validate_json(text)


COLUMNS = set(Community.model_fields)
