"""Which request gets which answer. Everything that is read here is public."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote

from provisioner.core.appraisal.observation import write_history
from provisioner.errors import TaarafoError
from provisioner.witness.answer import JSON, Answer, refuse
from provisioner.witness.cosigning import Cosigner
from provisioner.witness.memory import list_conflicts
from provisioner.witness.shelf import Shelf

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Routes:
    """The witness's pages: `vkey` is its own verifier key, `folder` its state."""

    folder: Path
    vkey: str
    cosigner: Cosigner
    shelf: Shelf

    def post(self, path: str, body: bytes) -> Answer:
        """Never raises."""
        if path != "/add-checkpoint":
            return refuse(404, "there is nothing here")
        return _guard(lambda: self.cosigner.add_checkpoint(body))

    def get(self, path: str) -> Answer:
        """Never raises."""
        return _guard(lambda: self._read(unquote(path.partition("?")[0])))

    def _read(self, path: str) -> Answer:
        match path.split("/"):
            case ["", "vkey"]:
                return Answer(200, f"{self.vkey}\n".encode())
            case ["", "equivocations"]:
                found = {"equivocations": [asdict(each) for each in list_conflicts(self.folder)]}
                return Answer(200, json.dumps(found).encode(), JSON)
            case ["", "observations", address, "latest"]:
                note = self.shelf.find_latest(address)
                return Answer(200, note) if note else refuse(404, "nothing was seen of it")
            case ["", "observations", address, "history"]:
                notes = self.shelf.list_history(address)
                if notes:
                    return Answer(200, write_history(notes))
                return refuse(404, "nothing was seen of it")
        return refuse(404, "there is nothing here")


def _guard(answer: Callable[[], Answer]) -> Answer:
    """The top of a request: whatever happened, it never turns into success."""
    try:
        return answer()
    except TaarafoError as error:
        _LOG.warning("%s %s", error.explain(), error.detail)
        return refuse(503, error.explain())
    except Exception:
        _LOG.exception("a request met something unexpected")
        return refuse(500, "something unexpected happened")
