"""Fill this control plane's registry with every image, by digest."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.engine.context import Context
from provisioner.publishing.build import build_images
from provisioner.publishing.registry import load_image, push_image, temporary_registry

IMAGES = ("base", "control", "edge", "keeper", "queue", "registry")


def stock_registry(context: Context, say: Callable[[str], None]) -> dict[str, str]:
    """Build what is not built yet and push it; returns references by digest, by name.

    The registry's own image is also loaded into the engine, so that it starts without itself.
    """
    settings = context.settings
    built = build_images(settings, IMAGES, say=say)
    say("Putting the images on the shelf")
    with temporary_registry(built["registry"], settings.registry, settings.registry_dir):
        references = {name: push_image(b, settings.registry) for name, b in built.items()}
        load_image(built["registry"], settings.docker_host, references["registry"])
    return references
