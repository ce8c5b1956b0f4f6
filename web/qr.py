"""A QR code as inline SVG, drawn on this machine."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def draw_qr(text: str, title: str) -> Markup:
    """Dark on white in light and dark mode alike, so that every phone can read it."""
    svg = io.BytesIO()
    segno.make_qr(text, error="m").save(
        svg,
        kind="svg",
        xmldecl=False,
        svgns=False,
        title=title,
        dark="#2a2420",
        light="#ffffff",
        border=3,
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    return Markup(svg.getvalue().decode())  # noqa: S704 - drawn here; segno escapes the title
