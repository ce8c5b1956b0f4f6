"""A link as a square of dots for a phone's camera."""

from __future__ import annotations

import io

from markupsafe import Markup


def draw(link: str) -> Markup:
    """An SVG for inside a page: dark on light also in the dark, or cameras fail."""
    import segno

    picture = io.BytesIO()
    segno.make(link, error="m", micro=False).save(
        picture,
        kind="svg",
        xmldecl=False,
        svgns=True,
        border=4,
        dark="#1c1917",
        light="#fff",
        omitsize=True,
        svgclass="code",
        lineclass=None,
    )
    return Markup(picture.getvalue().decode())  # noqa: S704 - drawn here from a link of ours
