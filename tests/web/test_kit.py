"""A founder's recovery kit: her words, where the copies are, and the one command, for her alone."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from provisioner.engine.backups.kit import open_kit
from provisioner.engine.backups.phrase import PHRASE, read_phrase
from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from tests.web.visitor import Visitor, wish

STORE = "s3:https://store.example/families/here"


@pytest.fixture
def community(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    return context.store.get_community(operation.community_id)


@pytest.fixture
def founder(app, context, community) -> Visitor:
    return Visitor(app).go(f"/my/{get_keys(context, community).console_token}")


def keep_elsewhere(context):
    context.place = replace(context.place, backup_s3=STORE, backup_s3_secret="keys")


def test_her_page_leads_to_the_words_that_were_minted_with_it(founder, context, community):
    assert founder.find('a[href="/my/smith-family/kit"]')
    founder.go("/my/smith-family/kit")
    words = json.loads(context.vault.unseal(community.sealed_secrets))[PHRASE].split()
    assert [each.to_text().strip() for each in founder.document.query(".words li")] == words
    assert founder.page.headers["Cache-Control"] == "no-store"
    assert f"backups/{community.id}" in founder.words


def test_the_command_in_the_square_is_all_that_is_needed(founder, context, community):
    command = open_kit(context, community).command
    founder.go("/my/smith-family/kit")
    assert command in founder.words
    words = shlex.split(command)
    assert words[:3] == ["./taarafo", "restore", "--from"]
    phrase = words[words.index("--phrase") + 1]
    assert read_phrase(phrase) == phrase


def test_copies_on_the_same_machine_alone_are_called_what_they_are(founder, context):
    assert "the copies are lost with it" in founder.go("/my/smith-family/kit").words
    keep_elsewhere(context)
    words = founder.go("/my/smith-family/kit").words
    assert "the copies are lost with it" not in words
    assert "Away from this machine: " + STORE in words


def test_what_is_elsewhere_is_brought_back_from_there(context, community):
    keep_elsewhere(context)
    assert f"--from {STORE}/{community.id} " in open_kit(context, community).command


def test_nobody_else_gets_it_and_one_without_words_says_so(app, founder, context, community):
    assert Visitor(app).go("/my/smith-family/kit").page.status_code == 403
    secrets = json.loads(context.vault.unseal(community.sealed_secrets))
    del secrets[PHRASE]
    sealed = context.vault.seal(json.dumps(secrets).encode())
    context.store.change_community(community.id, sealed_secrets=sealed)
    assert founder.go("/my/smith-family/kit").page.status_code == 404
    assert "recovery kit" not in founder.go("/my/smith-family").words
