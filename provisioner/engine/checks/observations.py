"""Ask the witnesses of the log what they saw of a community, all at once and not for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from provisioner.core.appraisal.observation import observation_key_of, read_history
from provisioner.core.tlog.note import read_vkey
from provisioner.errors import Unavailable
from provisioner.models.observation import Observation

# (address, path) -> body of a 200, None for any other answer; raises Unavailable.
Fetch = Callable[[str, str], bytes | None]
Watcher = tuple[str, str, str]


def gather_observations(
    address: str, watchers: Iterable[Watcher], fetch: Fetch
) -> tuple[Observation, ...]:
    """What each watcher (name, verifier key, address of its own) signed about `address`.

    One that is away or talks nonsense adds nothing: it can be left out, and not be imitated.
    """
    asked = [watcher for watcher in watchers if watcher[2]]
    if not asked:
        return ()
    with ThreadPoolExecutor(len(asked)) as pool:
        told = pool.map(lambda watcher: _ask(address, watcher, fetch), asked)
        return tuple(observation for each in told for observation in each)


def _ask(address: str, watcher: Watcher, fetch: Fetch) -> tuple[Observation, ...]:
    _, vkey, url = watcher
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/observations/{address}/history"
    try:
        raw = fetch(parts.netloc, path) or b""
        seen = read_history(raw, observation_key_of(read_vkey(vkey)))
    except (Unavailable, ValueError):
        return ()
    return tuple(each for each in seen if each.address == address)
