"""What an independent checker saw of a community's public files, in a note that it signed.

The text of the note, each line ended, in this order and with single spaces:

    taarafo/observation/v1
    address smith.example
    at 2026-01-02T03:04:05Z
    release app/taarafo/stable/1.0.0/release.json sha256:<hex of release.json>
    tls sha256:<hex of the SubjectPublicKeyInfo>
    page / 200
    asset /static/app.css fits
    asset /static/app.js differs sha256:<hex of what was served>
    asset /static/logo.svg missing 404
    outcome DIVERGENT

`release -` means that none could be compared with, `tls -` plain HTTP, and a status of 0 no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from provisioner.core.appraisal.address import read_address
from provisioner.core.appraisal.wording import count, say_age
from provisioner.core.tlog.note import ED25519, NoteKey, check_signature, read_note
from provisioner.models.observation import NOTHING, AssetSeen, Observation, Sight
from provisioner.models.verdict import Finding, Outcome

CHECK = "witnesses"
HEADER = "taarafo/observation/v1"  # no cosignature begins like this, though the key is the same
SEPARATOR = b"====\n"  # between the notes of a history; no line of a note is like it
MOST_OBSERVATIONS = 200  # of one history
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_TARGET = re.compile(r"[a-z0-9][a-z0-9./-]{0,199}")
_PATH = re.compile(r"/[!-~]{0,999}")
_STATUS = re.compile(r"0|[1-9][0-9]{2}")
_OK = "200"
_DAY, _HOUR, _SKEW = timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)


def observation_key_of(witness: NoteKey) -> NoteKey:
    """The key of a witness's observations: its name and public key, as signature type 0x01."""
    return NoteKey(witness.name, ED25519, witness.public)


def read_observation(raw_note: bytes, key: NoteKey) -> Observation:
    """An observation that `key`, of type 0x01, signed (C2SP signed-note). Raises ValueError."""
    note = read_note(raw_note)
    if not check_signature(note, key):
        raise ValueError("the witness did not sign it")
    observation = _read_text(note.text)
    if write_observation_text(observation) != note.text:
        raise ValueError("not in the one right form of an observation")
    return replace(observation, witness=key.name)


def read_history(raw: bytes, key: NoteKey) -> tuple[Observation, ...]:
    """Notes with a line of four equals signs between them, the newest first. Raises ValueError."""
    notes = raw.split(b"\n" + SEPARATOR) if raw else []
    if len(notes) > MOST_OBSERVATIONS:
        raise ValueError("more observations than a history has")
    whole = [*(note + b"\n" for note in notes[:-1]), *notes[-1:]]
    return tuple(read_observation(note, key) for note in whole)


def write_history(notes: Iterable[bytes]) -> bytes:
    """Signed notes, the newest first, as `read_history` reads them."""
    return SEPARATOR.join(notes)


def write_observation_text(observation: Observation) -> str:
    """The text to sign. ValueError for an observation that could not be read again as it is."""
    it = observation
    release = f"{it.release} {it.release_sha256}" if it.release else NOTHING
    lines = [
        HEADER,
        f"address {it.address}",
        f"at {it.at.astimezone(UTC).strftime(_TIME)}",
        f"release {release}",
        f"tls {it.tls}",
        f"page / {it.page_status}",
        *(_write_asset(asset) for asset in it.assets),
        f"outcome {it.outcome}",
    ]
    text = "".join(f"{line}\n" for line in lines)
    if _read_text(text) != observation:
        raise ValueError("not an observation")
    return text


def judge_observations(
    observations: Iterable[Observation],
    now: datetime,
    seen_tls: str | None = None,
    *,
    release: str = "",
) -> Finding | None:
    """What independent checkers add to a verdict; None when none saw the files in a day.

    The caller makes sure that all `observations` are of the address that was asked about.
    `seen_tls` is the key of the asker's own connection, None if she does not know it. With
    `release`, a target path, only who saw the files of that release counts as having seen them.
    """
    recent = [each for each in observations if -_SKEW <= now - each.at <= _DAY]
    of_release = [each for each in recent if each.release == (release or each.release)]
    return (
        _find_difference(recent, now)
        or _find_other_key(recent, now, seen_tls)
        or _count_fits(of_release, now, _say_same_key(recent, now, seen_tls))
    )


def _find_difference(recent: list[Observation], now: datetime) -> Finding | None:
    seen = [each for each in recent if each.outcome is Sight.DIVERGENT]
    if not seen:
        return None
    who = count(len({each.witness for each in seen}), "independent checker")
    age = say_age(max(each.at for each in seen), now)
    paths = tuple(sorted({path for each in seen for path in each.differing}))
    detail = f"{who} got other files than the release lists, the last time {age}."
    return Finding(CHECK, Outcome.DIVERGENT, detail, paths)


def _find_other_key(
    recent: list[Observation], now: datetime, seen_tls: str | None
) -> Finding | None:
    seen = _list_answered(recent, now)
    if seen_tls is None or not seen or seen_tls in {each.tls for each in seen}:
        return None
    who = count(len({each.witness for each in seen}), "independent checker")
    detail = (
        f"This connection has another key than the ones that {who} saw in the last hour. Somebody "
        "may stand between you and the server. Or its certificate is new: then check again in an "
        "hour, before you sign in."
    )
    return Finding(CHECK, Outcome.DIVERGENT, detail)


def _say_same_key(recent: list[Observation], now: datetime, seen_tls: str | None) -> str:
    """A sentence, with a space before it; empty when nothing is known of the key."""
    seen = [each for each in _list_answered(recent, now) if each.tls == seen_tls]
    if seen_tls is None or not seen:
        return ""
    who = count(len({each.witness for each in seen}), "independent checker")
    return f" {who} saw the key of this connection in the last hour."


def _list_answered(recent: list[Observation], now: datetime) -> list[Observation]:
    """Those of the last hour; one that got no answer saw no key either."""
    return [each for each in recent if each.page_status and now - each.at <= _HOUR]


def _count_fits(recent: list[Observation], now: datetime, key: str) -> Finding | None:
    """Never stronger than what was seen: the age is that of the oldest look that is counted."""
    newest: dict[str, datetime] = {}
    for each in recent:
        if each.outcome is Sight.FITS:
            newest[each.witness] = max(each.at, newest.get(each.witness, each.at))
    lately = [at for at in newest.values() if now - at <= _HOUR] or list(newest.values())
    if not lately:
        return None
    who = count(len(lately), "independent checker")
    detail = f"{who} saw the same public files {say_age(min(lately), now)}.{key}"
    return Finding(CHECK, Outcome.GENUINE, detail)


def _read_text(text: str) -> Observation:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 7 or lines[0] != HEADER:
        raise ValueError("not an observation")
    address, at, release, tls, page = (
        _cut(line, word)
        for line, word in zip(
            lines[1:6], ("address ", "at ", "release ", "tls ", "page / "), strict=True
        )
    )
    if read_address(address) != address:
        raise ValueError("not an address in its one right form")
    target, _, sha256 = release.partition(" ")
    found = Observation(
        address=address,
        at=_read_time(at),
        release="" if release == NOTHING else _match(_TARGET, target),
        release_sha256=NOTHING if release == NOTHING else _match(_HASH, sha256),
        tls=tls if tls == NOTHING else _match(_HASH, tls),
        page_status=int(_match(_STATUS, page)),
        assets=tuple(_read_asset(_cut(line, "asset ")) for line in lines[6:-1]),
    )
    _check(found)
    if _cut(lines[-1], "outcome ") != found.outcome:
        raise ValueError("its outcome is not what it saw")
    return found


def _check(observation: Observation) -> None:
    paths = [asset.path for asset in observation.assets]
    if any(first >= second for first, second in pairwise(paths)):
        raise ValueError("its files are not sorted")
    if paths and not observation.release:
        raise ValueError("files of no release")


def _read_asset(text: str) -> AssetSeen:
    path, _, result = text.partition(" ")
    _match(_PATH, path)
    word, _, value = result.partition(" ")
    if result == "fits":
        return AssetSeen(path)
    if word == "differs":
        return AssetSeen(path, served=_match(_HASH, value))
    if word == "missing" and value != _OK:
        return AssetSeen(path, int(_match(_STATUS, value)))
    raise ValueError("not what was seen of a file")


def _write_asset(asset: AssetSeen) -> str:
    if str(asset.status) != _OK:
        return f"asset {asset.path} missing {asset.status}"
    return f"asset {asset.path} " + (f"differs {asset.served}" if asset.served else "fits")


def _read_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _match(form: re.Pattern[str], text: str) -> str:
    if not form.fullmatch(text):
        raise ValueError("not in the form of an observation")
    return text


def _cut(line: str, start: str) -> str:
    if not line.startswith(start):
        raise ValueError("not the lines of an observation")
    return line.removeprefix(start)
