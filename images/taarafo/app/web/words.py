"""What every page template can say and ask."""

from __future__ import annotations

from typing import Any

from .context import here, now, viewer
from .csrf import form_word


def words_for_pages() -> dict[str, Any]:
    """Names that templates use without being handed them."""
    catalogue = here().catalogue
    return {
        "say": catalogue.say,
        "count": catalogue.count,
        "when": lambda then: catalogue.when(then, now()),
        "date": catalogue.date,
        "country": catalogue.country,
        "size": catalogue.size,
        "language": catalogue,
        "config": here().config,
        "viewer": viewer(),
        "form_word": form_word,
    }
