"""A published release is built again: from its commit, with real buildah, and really tampered with.

The app and its base are tiny; each build takes a second.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.core.appraisal.dsse import read_envelope
from provisioner.engine.context import Context
from provisioner.engine.releases.make_release import ROUTINE, SECURITY, MadeRelease, make_release
from provisioner.engine.releases.rebuild import rebuild_release
from provisioner.engine.releases.release import verify_published
from provisioner.errors import (
    BuildFailed,
    NotReproduced,
    ReleaseUnknown,
    SourceMissing,
)
from provisioner.publishing.cellar import Cellar
from provisioner.publishing.create import create_publisher
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.settings import ROOT, Settings
from tests.publishing.liar import make_as_if
from tests.publishing.place import NOW, contents_of
from tests.publishing.test_checkout import commit, git
from tests.publishing.tiny import make_project, needs_buildah, write_deb

pytestmark = needs_buildah
OTHER_CODE = "This checkout builds with other code than the release's own source."
STYLE = "images/tiny/app/static/style.css"


@dataclass
class Shop:
    """A publisher, the project it builds from, and what it says."""

    context: Context
    project: Path
    said: list[str]

    @property
    def settings(self) -> Settings:
        return self.context.settings

    @property
    def publisher(self) -> Publisher:
        return Publisher.of(self.settings)

    def make(self, urgency: str = ROUTINE) -> MadeRelease:
        say, project = self.said.append, self.project
        return make_release(self.settings, "tiny", say, project=project, urgency=urgency)

    def publish(self, made: MadeRelease | None = None) -> MadeRelease:
        made = made or self.make()
        (image,) = made.release.images.values()
        papers = made.papers if image.provenance_statement else {}
        publish_release(self.publisher, made.release, made.manifests, papers=papers, now=NOW)
        return made

    def rebuild(self, **options):
        return rebuild_release(
            self.context, "tiny", "1.0.0", self.said.append, project=self.project, **options
        )

    def write(self, path: str, text: str) -> None:
        (self.project / path).write_text(text)

    def add(self, path: str, text: str) -> None:
        self.write(path, (self.project / path).read_text() + text)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publisher that published nothing, a committed project, and a cache with the base image."""
    folder = tmp_path_factory.mktemp("shop") / "one"
    settings = Settings(state=folder / "state", cache=folder / "cache")
    project = make_project(folder / "project", Cellar(settings.cache))
    git(project, "init", "-q")
    commit(project)
    create_publisher(Publisher.of(settings), now=NOW, apps=[("tiny", "stable")])
    make_release(settings, "tiny", print, project=project)
    return folder


@pytest.fixture
def shop(made_once: Path, tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    shutil.copytree(made_once, folder, symlinks=True)
    settings = Settings(state=folder / "state", cache=folder / "cache")
    return Shop(Context(settings), folder / "project", [])


# -- the same ------------------------------------------------------------------------------------


def test_a_rebuild_of_the_same_source_is_the_same_and_signed(shop: Shop) -> None:
    made = shop.publish()
    cached, listed = contents_of(shop.settings.cache), contents_of(shop.settings.repository_dir)
    (shop.settings.cache / "rebuilds/killed/images").mkdir(parents=True)
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "REPRODUCED"
    assert rebuilt.digest == rebuilt.rebuilt == made.images["tiny"].built.digest
    assert rebuilt.source == f"commit {git(shop.project, 'rev-parse', 'HEAD')}"
    rebuilt.require_same()
    assert "Building the image base" in shop.said
    assert "Building the image tiny" in shop.said
    assert OTHER_CODE in shop.said, "the tiny project has no such code at all"
    file = shop.settings.repository_dir / rebuilt.attestation
    statement = made.release.images["tiny"].provenance_statement
    assert rebuilt.attestation == f"rebuilds/{statement[7:]}/{rebuilt.keyid}.dsse"
    assert file.stat().st_mode & 0o777 == 0o644
    envelope = read_envelope(file.read_bytes())
    assert envelope.payload == made.papers["tiny"].statement
    assert len(envelope.signatures) == 2
    assert rebuilt.rebuilders == 1
    after = contents_of(shop.settings.repository_dir)
    assert after.keys() - listed.keys() == {rebuilt.attestation}
    assert listed.items() <= after.items(), "what TUF signed is untouched"
    assert contents_of(shop.settings.cache) == cached
    assert list((shop.settings.cache / "rebuilds").iterdir()) == []
    verified = verify_published(shop.context)
    assert all(row["ok"] for row in verified)
    assert any(
        "built again by 1 of 1 known keys (rebuilder-1.pem)" in r["sentence"] for r in verified
    )


def test_an_urgent_release_says_so_where_it_is_signed_and_is_rebuilt_the_same(shop: Shop) -> None:
    made = shop.publish(shop.make(SECURITY))
    assert shop.context.releases.get(made.release.target).urgency == SECURITY
    assert shop.rebuild().outcome == "REPRODUCED"
    assert shop.make().release.urgency == ROUTINE


def test_a_rebuild_takes_nothing_from_the_images_that_are_kept(shop: Shop) -> None:
    """A backdoor in the kept base image would otherwise be reproduced with it."""
    made = shop.publish()
    for layout in (shop.settings.cache / "images").iterdir():
        shutil.rmtree(layout / "blobs")
        (layout / "index.json").write_text("{}")
    assert shop.rebuild().rebuilt == made.images["tiny"].built.digest


def test_the_source_of_the_release_is_taken_and_not_what_lies_there_now(shop: Shop) -> None:
    made = shop.publish()
    shop.write(STYLE, "body { color: red }\n")
    commit(shop.project)
    shop.write("images/tiny/Containerfile", "FROM nothing\n")
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "REPRODUCED"
    assert rebuilt.source == f"commit {made.release.source.commit}"


def test_without_git_this_checkout_is_taken_when_its_app_is_the_one_named(shop: Shop) -> None:
    shutil.rmtree(shop.project / ".git")
    shutil.copytree(ROOT / "provisioner/publishing", shop.project / "provisioner/publishing")
    made = shop.publish()
    assert made.release.source.commit == ""
    shop.said.clear()
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "REPRODUCED"
    assert rebuilt.source.startswith("this checkout")
    assert OTHER_CODE not in shop.said


def test_a_release_without_provenance_is_compared_and_not_signed(shop: Shop) -> None:
    made = shop.make()
    image = made.release.images["tiny"].model_copy(
        update={"sbom": "", "provenance_statement": "", "environment": None}
    )
    old = made.release.model_copy(update={"images": {"tiny": image}})
    shop.publish(MadeRelease(old, made.images))
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "REPRODUCED"
    assert rebuilt.attestation == ""
    assert "not signed" in rebuilt.as_text()
    assert not (shop.settings.repository_dir / "rebuilds").exists()


# -- not the same --------------------------------------------------------------------------------


@pytest.mark.attack("a rebuild gives another digest", "NOT-REPRODUCED")
def test_a_publisher_who_built_from_something_else_is_found_out(shop: Shop) -> None:
    """The attack: the release names honest source, and the image holds one changed file more."""
    honest = shop.make().release.source
    assert honest.commit
    shop.write("images/tiny/app/words.txt", "send everything to me\n")
    shop.write("images/tiny/app/more.txt", "hello")
    shop.publish(make_as_if(shop.settings, "tiny", shop.project, honest))
    git(shop.project, "checkout", "-q", ".")
    git(shop.project, "clean", "-q", "-f", ".")
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "NOT-REPRODUCED"
    assert rebuilt.difference.changed == ("/srv/app/words.txt",)
    assert rebuilt.difference.missing == ("/srv/app/more.txt",)
    assert rebuilt.difference.added == ()
    assert set(rebuilt.difference.facts) >= {"image tiny: digest", "image tiny: layers"}
    assert [one.partition(":")[0] for one in rebuilt.difference.inputs] == ["images/tiny/app"]
    assert "  changed  /srv/app/words.txt" in rebuilt.as_text().splitlines()
    with pytest.raises(NotReproduced) as caught:
        rebuilt.require_same()
    assert caught.value.exit_code == 21
    assert caught.value.explain().startswith("NOT-REPRODUCED: building app/tiny/stable/1.0.0/")
    assert not (shop.settings.repository_dir / "rebuilds").exists()


def test_a_file_changed_between_publishing_and_rebuilding_is_found(shop: Shop) -> None:
    """Without git, what is not the app itself is only found by building."""
    shutil.rmtree(shop.project / ".git")
    shop.publish()
    shop.add("images/tiny/Containerfile", "ENV MORE=1\n")
    shop.add("templates/tiny/tiny.toml.j2", "more = 1\n")
    shop.add("templates/tiny/recipe.toml", "[secrets]\nmore = 3\n")
    shop.write("images/base/image.toml", 'folders = ["data", "more"]\n')
    rebuilt = shop.rebuild()
    assert rebuilt.outcome == "NOT-REPRODUCED"
    assert rebuilt.difference.added == ("/more",)
    assert {"image tiny: config_digest", "recipe", "template tiny.toml.j2"} <= {
        *rebuilt.difference.facts
    }
    assert not rebuilt.attestation


def test_a_package_that_was_replaced_is_named_with_both_versions(shop: Shop) -> None:
    shutil.rmtree(shop.project / ".git")
    shop.publish()
    lock = shop.project / "images/base/packages.lock"
    write_deb(shop.project / "new.deb", "hello", "1:2.1", "all", {"./usr/bin/hello": b"new"})
    lock.write_text(f"hello 1:2.1 {Cellar(shop.settings.cache).keep(shop.project / 'new.deb')}\n")
    rebuilt = shop.rebuild()
    (told,) = [one for one in rebuilt.difference.inputs if one.startswith("hello:")]
    assert "pkg:deb/debian/hello@1:2.0%2Bb1~x?arch=all" in told.partition(" -> ")[0]
    assert "pkg:deb/debian/hello@1:2.1?arch=all" in told.partition(" -> ")[2]
    assert "/usr/bin/hello" in rebuilt.difference.changed


def test_an_equal_image_of_other_inputs_is_not_signed(shop: Shop) -> None:
    """A statement also says what went in, so the rebuilder signs only what it used itself."""
    shutil.rmtree(shop.project / ".git")
    made = shop.publish()
    shop.add("images/base/image.toml", "# a comment\n")
    rebuilt = shop.rebuild()
    assert rebuilt.rebuilt == made.images["tiny"].built.digest
    assert rebuilt.outcome == "NOT-REPRODUCED"
    assert rebuilt.difference.inputs[0].startswith("images/base/image.toml: swh:1:cnt:")


# -- no source, no release -----------------------------------------------------------------------


def test_source_that_is_not_here_is_named(shop: Shop) -> None:
    made = shop.publish()
    shutil.rmtree(shop.project / ".git")
    shop.write(STYLE, "other")
    with pytest.raises(SourceMissing) as caught:
        shop.rebuild()
    assert "the app in this checkout is swh:1:dir:" in caught.value.explain()
    assert f"commit {made.release.source.commit}" in caught.value.next_step()


@pytest.mark.parametrize("change", ["version", "gone"])
def test_a_checkout_of_another_version_is_not_taken(shop: Shop, change: str) -> None:
    shutil.rmtree(shop.project / ".git")
    shop.publish()
    recipe = shop.project / "templates/tiny/recipe.toml"
    if change == "gone":
        recipe.unlink()
    else:
        recipe.write_text(recipe.read_text().replace("1.0.0", "1.1.0"))
    with pytest.raises(SourceMissing) as caught:
        shop.rebuild()
    assert "the source swh:1:dir:" in caught.value.next_step()


def test_a_release_that_nobody_published_is_unknown(shop: Shop) -> None:
    with pytest.raises(ReleaseUnknown):
        shop.rebuild()


def test_a_build_that_fails_leaves_nothing(shop: Shop) -> None:
    shutil.rmtree(shop.project / ".git")
    shop.publish()
    shop.add("images/tiny/Containerfile", "COPY missing /missing\n")
    with pytest.raises(BuildFailed):
        shop.rebuild()
    assert list((shop.settings.cache / "rebuilds").iterdir()) == []


# -- the commit that a release names -------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (STYLE, "images/tiny"),
        ("images/base/Containerfile", "images/base"),
        ("templates/tiny/tiny.toml.j2", "templates/tiny"),
        ("provisioner/note.txt", "provisioner"),
    ],
)
def test_a_commit_is_named_only_when_it_holds_all_that_goes_in(
    shop: Shop, path: str, named: str
) -> None:
    head = git(shop.project, "rev-parse", "HEAD")
    shop.write("notes.txt", "not part of it")
    assert shop.make().release.source.commit == head
    assert shop.said == []
    shop.add(path, "\n")
    assert shop.make().release.source.commit == ""
    assert shop.said[-1] == (
        f"This differs from commit {head[:12]}: {named}. The release names no commit."
    )


# -- the command ---------------------------------------------------------------------------------


def run(shop: Shop, *words: str) -> subprocess.CompletedProcess[str]:
    """cli.py of a checkout that holds the tiny project's own images and templates."""
    checkout = shop.project
    for name in ("cli.py", "provisioner"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, checkout / name)
    told = {"TAARAFO_STATE": str(shop.settings.state), "TAARAFO_CACHE": str(shop.settings.cache)}
    return subprocess.run(
        [sys.executable, str(checkout / "cli.py"), "release", "rebuild", *words],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_what_differs_and_ends_with_21(shop: Shop) -> None:
    shutil.rmtree(shop.project / ".git")
    shutil.rmtree(shop.project / "provisioner")
    shop.publish()
    shop.write("images/base/image.toml", 'folders = ["data", "more"]\n')
    done = run(shop, "tiny", "1.0.0", "--json")
    assert done.returncode == 21, done.stderr
    told = json.loads(done.stdout)
    assert told["outcome"] == "NOT-REPRODUCED"
    assert told["added"] == ["/more"]
    assert "NOT-REPRODUCED" in done.stderr
