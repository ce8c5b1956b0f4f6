"""Countries, so that a founder can say under which law her rules live."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "countries.tsv"


@cache
def list_countries() -> dict[str, str]:
    """Name by ISO 3166-1 alpha-2 code, in the order of the names."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def guess_country(languages: list[str]) -> str:
    """`["en-US", "en"]` → `US`; "" when no language tells. A guess that she can change."""
    for language in languages:
        region = language.replace("_", "-").rpartition("-")[2].upper()
        if "-" in language and region in list_countries():
            return region
    return ""
