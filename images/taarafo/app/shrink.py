"""Read one photo and write it anew, small and without what the camera noted about the place.

Runs as its own short-lived process: a hostile picture does not meet the server's memory, has a
limit on memory and time, and the server stays small. It is the same user with the same folders, so
a flaw in what decodes pictures could still read the community's files. Standard input is the
picture, the arguments are the files to write. Prints `width height`; any failure ends with a code
not 0.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from typing import IO

from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
MOST_PIXELS = 60_000_000  # after decoding a JPEG at a fraction
MEMORY = 400 * 1024 * 1024  # address space, not what is resident
SECONDS = 25


def open_photo(file: IO[bytes]) -> Image.Image:
    """The upright picture in plain sRGB, decoded no larger than needed."""
    Image.MAX_IMAGE_PIXELS = None  # looked at below, once the true size is known
    image: Image.Image = Image.open(file, formats=FORMATS)
    image.draft("RGB", (2048, 2048))
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    return _in_srgb(_on_white(image), profile)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    flat = Image.new("RGBA", image.size, "white")
    flat.alpha_composite(image.convert("RGBA"))
    return flat.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile only makes colours a little off


def write(image: Image.Image, path: str, longest: int) -> Image.Image:
    """A JPEG that holds pixels and nothing else, safe on the disk; returns it as it was written."""
    image = image.copy()
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    image.info.clear()
    with open(path, "wb") as file:  # noqa: PTH123 - a path as it was given
        image.save(file, "JPEG", quality=84, optimize=True, progressive=True)
        file.flush()
        os.fsync(file.fileno())
    return image


def main(arguments: list[str]) -> int:
    """`LONGEST PATH` pairs, the largest first."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    image = open_photo(sys.stdin.buffer)
    first = ""
    for longest, path in zip(arguments[::2], arguments[1::2], strict=True):
        image = write(image, path, int(longest))
        first = first or f"{image.width} {image.height}"
    print(first)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
