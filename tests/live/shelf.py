"""Every image built and pushed to a registry of the test run's own, for tests that run them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.publishing.build import build_images
from provisioner.publishing.built_image import BuiltImage
from provisioner.publishing.registry import load_image, push_image, temporary_registry
from provisioner.settings import Settings
from tests.conftest import Engine, proxy_variables

NAMES = ("base", "control", "edge", "queue", "registry", "taarafo")
REGISTRY = "127.0.0.1:5077"


@dataclass(frozen=True)
class Shelf:
    """Built images and, on the tests' engine, where each is to be had by digest."""

    built: dict[str, BuiltImage]
    references: dict[str, str]


@contextmanager
def way_out_of(engine: Engine) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in proxy_variables(engine).items():
            patch.setenv(name, value)
        yield


def fill_shelf(engine: Engine, storage: Path) -> Shelf:
    """Build all, push all, have the engine pull all; the registry ends again."""
    with way_out_of(engine):
        built = build_images(Settings(), NAMES, say=print)
    with temporary_registry(built["registry"], REGISTRY, storage):
        references = {name: push_image(image, REGISTRY) for name, image in built.items()}
        for name, image in built.items():
            load_image(image, engine.docker_host, references[name])
    return Shelf(built, references)
