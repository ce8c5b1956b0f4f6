"""Somebody with a browser: follows links, fills forms in with the word that is in the page."""

from __future__ import annotations

import io
import re
from typing import Any

from flask import Flask
from PIL import ExifTags, Image
from werkzeug.test import TestResponse

WORD = re.compile(r'name="form" value="([^"]+)"')


class Person:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.browser = app.test_client()

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path)

    def word(self, page: str) -> str:
        """The form word of a page."""
        found = WORD.search(self.get(page).text)
        assert found, f"no form on {page}"
        return found[1]

    def send(self, path: str, fields: dict[str, Any], page: str | None = None) -> TestResponse:
        """Open `page` (or the form's own address), then send the form there is."""
        form = {"form": self.word(page or path), **fields}
        return self.browser.post(path, data=form)

    def join(self, link: str, name: str, **fields: str) -> TestResponse:
        form = {"name": name, "password": "apple tree river", "agreed": "yes", **fields}
        return self.send(link, form)

    def share(self, text: str, *photos: tuple[bytes, str], **fields: Any) -> TestResponse:
        files = [(io.BytesIO(content), name) for content, name in photos]
        return self.send(
            "/posts", {"text": text, "audience": "community", "photos": files, **fields}, page="/"
        )

    def comment(self, post: str, text: str) -> TestResponse:
        return self.send(f"{post}/comments", {"text": text}, page=post)

    def posts(self) -> list[str]:
        """Addresses of the posts in the feed, newest first."""
        return list(dict.fromkeys(re.findall(r'href="(/posts/\d+)"', self.get("/").text)))

    def media(self, page: str = "/") -> list[str]:
        return list(dict.fromkeys(re.findall(r'"(/media/[^"]+large\.jpg)"', self.get(page).text)))


def photo(width: int = 400, height: int = 300, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture with the place in its EXIF data, a comment and a maker's note."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = options.pop("orientation", 1)
    exif[ExifTags.Base.Make] = "SECRET-CAMERA"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (40.0, 48.0, 57.0), 3: "W", 4: (96.0, 40.0, 1.0), 29: "2026:11:23"}
    )
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.putpixel((0, 0), (255, 0, 0))
    file = io.BytesIO()
    if kind == "JPEG":
        options.setdefault("comment", b"SECRET-COMMENT")
    image.save(file, kind, exif=exif, **options)
    return file.getvalue()
