"""The headers that an ordinary browser sends, in its order: Firefox on Windows."""

from __future__ import annotations

from pathlib import PurePosixPath

_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0"
_DOCUMENT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_IMAGE = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
# what is asked for by the end of its path: (destination of the Fetch standard, accepted types)
_KINDS = {
    ".css": ("style", "text/css,*/*;q=0.1"),
    ".js": ("script", "*/*"),
    ".svg": ("image", _IMAGE),
    ".png": ("image", _IMAGE),
    ".jpg": ("image", _IMAGE),
    ".webp": ("image", _IMAGE),
    ".ico": ("image", _IMAGE),
    ".woff2": ("font", "application/font-woff2;q=1.0,application/font-woff;q=0.9,*/*;q=0.8"),
}


def plan_headers(address: str, path: str, *, is_secure: bool) -> list[tuple[str, str]]:
    """(name, value) for a GET: of the page itself at `/`, of what belongs to it anywhere else."""
    kind, accepted = _kind_of(path)
    scheme = "https" if is_secure else "http"
    headers = [
        ("Host", address),
        ("User-Agent", _AGENT),
        ("Accept", accepted),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
    ]
    if kind == "document":
        return [
            *headers,
            ("Connection", "keep-alive"),
            ("Upgrade-Insecure-Requests", "1"),
            ("Sec-Fetch-Dest", kind),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Site", "none"),
            ("Sec-Fetch-User", "?1"),
        ]
    return [
        *headers,
        ("Referer", f"{scheme}://{address}/"),
        ("Connection", "keep-alive"),
        ("Sec-Fetch-Dest", kind),
        ("Sec-Fetch-Mode", "cors" if kind in ("empty", "font") else "no-cors"),
        ("Sec-Fetch-Site", "same-origin"),
    ]


def _kind_of(path: str) -> tuple[str, str]:
    if path == "/":
        return "document", _DOCUMENT
    return _KINDS.get(PurePosixPath(path).suffix, ("empty", "*/*"))
