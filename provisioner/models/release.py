"""A Release: what a recipe's images are, how they run, and the hashes of all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SCHEMA: Final = "https://taarafo.example/release/v1"
DIGEST = r"^sha256:[0-9a-f]{64}$"
MAYBE_DIGEST = r"^(sha256:[0-9a-f]{64})?$"
NAME = r"^[a-z][a-z0-9-]{0,30}$"
BUILDER_FIELD = "x-taarafo-builder"  # in a TUF entry: base64 of the public key that signed it
VERSION = r"^\d{1,4}\.\d{1,4}\.\d{1,4}$"
PATH = r"^(/[A-Za-z0-9._-]+)+$"
FOLDER = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
DATA_PATH = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"
CAPABILITY = r"^CAP_[A-Z_]+$"
APP = "app"  # what the one service of an app is called
STABLE, EARLY = (
    "stable",
    "early",
)  # lines of releases: what is good for all, and what is tried first
CHANNELS = (STABLE, EARLY)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Program(_Value):
    """What every service of a recipe says: its image, how it is started, and its limits."""

    image: str = Field(pattern=NAME)
    command: tuple[str, ...] = ()
    # what the first process is once a start script has made way for it; None: the command
    becomes: tuple[str, ...] | None = None
    uid: int
    memory_mb: int = Field(192, ge=16)
    cpus: float = Field(1.0, gt=0)
    pids: int = Field(128, ge=8)
    environment: dict[str, str] = Field(default_factory=dict)
    configs: dict[str, str] = Field(default_factory=dict)  # template name -> path in the container
    secrets: tuple[str, ...] = ()  # names in Recipe.secrets, mounted at /run/secrets/<name>
    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a path inside the container


class RecipeService(Program):
    """The one service of an app, under the app contract (docs/recipes.md)."""

    uid: int = Field(10100, ge=1000)
    health: str = "/healthz"
    # it may be started beside its predecessor, and waits for its turn (docs/recipes.md)
    takes_turns: bool | None = None


class RecipeMount(_Value):
    """A folder or file of the host that a part may have at `path`."""

    path: str = Field(pattern=PATH)
    read_only: bool = False


class RecipePart(Program):
    """One of several services of a recipe. Nothing is permitted to it but what it names."""

    mounts: tuple[RecipeMount, ...] = ()
    capabilities: tuple[Annotated[str, Field(pattern=CAPABILITY)], ...] = ()
    # variables that the operator decides -> values to choose from; without any, every value counts
    choices: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("uid")
    @classmethod
    def _root_or_own(cls, uid: int) -> int:
        if uid != 0 and uid < 1000:
            raise ValueError("must be 0, which is root, or 1000 and more")
        return uid


class RecipeBackup(_Value):
    """What of an app's data is copied. Paths are below `/data`.

    `copies` maps each live database to the consistent copy that `before-backup` makes of it and
    `after-restore` puts back; the live one is not copied, and the rows of the copy are counted.
    """

    copies: dict[
        Annotated[str, Field(pattern=DATA_PATH)], Annotated[str, Field(pattern=DATA_PATH)]
    ] = Field(min_length=1)
    leave_out: tuple[Annotated[str, Field(pattern=DATA_PATH)], ...] = ()


class Recipe(_Value):
    """What an app needs to run, as data: `templates/<app>/recipe.toml`."""

    name: str = Field(pattern=NAME)
    version: str = Field(pattern=VERSION)
    title: str
    summary: str = ""
    notes: str = ""
    service: RecipeService | None = None
    services: dict[Annotated[str, Field(pattern=NAME)], RecipePart] | None = None
    secrets: dict[str, int] = Field(default_factory=dict)  # name -> random bytes to mint
    commands: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # migrate, create-owner …
    assets: dict[str, str] = Field(default_factory=dict)  # URL prefix -> folder in the image
    # folders of the data whose files never change once they are written
    immutable: tuple[Annotated[str, Field(pattern=FOLDER)], ...] | None = None
    upgrade_from: str = Field("1.0.0", pattern=VERSION)
    # the oldest version that can work with the data of this one; None: only this one can
    readable_by: str | None = Field(None, pattern=VERSION)
    backup: RecipeBackup | None = None  # None: no backup can be made of it

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if (self.service is None) == (not self.services):
            raise ValueError("needs either a service or several services")
        return self

    @property
    def app(self) -> RecipeService:
        """The service of an app. Raises ValueError for a recipe of several services."""
        if self.service is None:
            raise ValueError(f"{self.name} is not an app")
        return self.service

    @property
    def parts(self) -> Mapping[str, RecipeService | RecipePart]:
        """Every service by its name."""
        return self.services or {APP: self.app}


class Image(_Value):
    """One image of a release. `files_root` is the SHA-256 of its file manifest."""

    repository: str
    digest: str = Field(pattern=DIGEST)
    config_digest: str = Field(pattern=DIGEST)
    platform: str = "linux/amd64"
    layers: tuple[str, ...]  # diff ids
    files_root: str = Field(pattern=DIGEST)
    files_count: int = Field(ge=1)
    files_target: str  # TUF target path of the manifest
    entrypoint: tuple[str, ...] = ()  # of the image's config; a recipe's command follows it
    workdir: str | None = None  # of the image's config, where it starts; None: not told
    environment: tuple[str, ...] | None = None  # NAME=value of the image's config; None: not told
    sbom: str = Field("", pattern=MAYBE_DIGEST)  # of its bill of materials; empty: none
    provenance_statement: str = Field("", pattern=MAYBE_DIGEST)  # of the payload that is signed


class Source(_Value):
    """Where the app's code can be looked up: ISO/IEC 18670 directory id and commit."""

    swhid: str = Field(pattern=r"^swh:1:dir:[0-9a-f]{40}$")
    commit: str = ""


class Release(_Value):
    """Immutable and signed; the TUF target `app/<recipe>/<channel>/<version>/release.json`."""

    schema_: Literal["https://taarafo.example/release/v1"] = Field(SCHEMA, alias="schema")
    recipe: Recipe
    channel: str = Field("stable", pattern=NAME)
    images: dict[str, Image]
    templates: dict[str, str]  # template name -> text, so that one signature covers all
    assets: dict[str, str] = Field(default_factory=dict)  # URL path -> sha256:…
    source: Source
    urgency: str = "routine"

    @model_validator(mode="after")
    def _lists_every_image(self) -> Self:
        if any(part.image not in self.images for part in self.recipe.parts.values()):
            raise ValueError("needs the image of every service")
        return self

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def version(self) -> str:
        return self.recipe.version

    @property
    def target(self) -> str:
        return release_target(self.name, self.channel, self.version)

    def sbom_target(self, image: str) -> str:
        """Where the bill of materials of one of its images is published."""
        return f"{self._folder}/{image}.cdx.json"

    def provenance_target(self, image: str) -> str:
        """Where the signed statement how one of its images was made is published."""
        return f"{self._folder}/{image}.provenance.dsse"

    @property
    def _folder(self) -> str:
        return f"app/{self.name}/{self.channel}/{self.version}"

    def to_bytes(self) -> bytes:
        """The text that is signed: JSON with sorted keys, the same every time."""
        value = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_bytes(cls, text: bytes) -> Self:
        """Raises ValueError for anything but a complete release of this schema."""
        return cls.model_validate_json(text)

    def image_reference(self, registry: str, name: str) -> str:
        """`127.0.0.1:5000/taarafo/app@sha256:…` of one image."""
        image = self.images[name]
        return f"{registry}/{image.repository}@{image.digest}"


def is_release(target: str) -> bool:
    """Whether a target path is that of a release, not of one of the papers beside it."""
    return target.startswith("app/") and target.endswith("/release.json")


def release_target(recipe: str, channel: str, version: str) -> str:
    """The TUF target path of a release."""
    return f"app/{recipe}/{channel}/{version}/release.json"


def cache_name(uid: int) -> str:
    """A reader's cache beside the root of trust: users cannot write each other's files."""
    return f"cache-{uid}"


class Listing(_Value):
    """One published release, as its signed entry describes it.

    `security_floor` is the oldest version that is still safe to run. `is_self_built` means that
    a single local key signed it, not several independent publishers.
    """

    target: str
    version: str = Field(pattern=VERSION)
    channel: str = Field(pattern=NAME)
    security_floor: str = Field(pattern=VERSION)
    is_self_built: bool
