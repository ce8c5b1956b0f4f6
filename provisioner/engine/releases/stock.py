"""Fill this control plane's registry with every image, by digest."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.engine.context import Context
from provisioner.publishing.build import build_images
from provisioner.publishing.registry import load_image, push_image, temporary_registry

PARTS_ARE_OF = ("registry", "queue", "edge", "control")
IMAGES = ("base", "control", "edge", "keeper", "queue", "registry")


def stock_registry(context: Context, say: Callable[[str], None]) -> dict[str, str]:
    """Build what is not built yet and push it; returns references by digest, by name.

    Those of the control plane are also loaded into the engine: the registry starts without itself,
    and the others without a wait.
    """
    settings = context.settings
    built = build_images(settings, IMAGES, say=say)
    say("Putting the images on the shelf")
    with temporary_registry(built["registry"], settings.registry, settings.registry_dir):
        references = {name: push_image(b, settings.registry) for name, b in built.items()}
        for name in PARTS_ARE_OF:
            load_image(built[name], settings.docker_host, references[name])
    return references
