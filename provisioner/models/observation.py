"""What an independent checker saw of a community's public files when it looked at them once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

NOTHING = "-"  # no release, or no TLS
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500


class Sight(StrEnum):
    """What a look adds up to. SILENT: nothing could be compared, or not all of it."""

    FITS = "FITS"
    DIVERGENT = "DIVERGENT"
    SILENT = "SILENT"


@dataclass(frozen=True)
class AssetSeen:
    """A static file of the release: `served` is the hash of other bytes, as `sha256:<hex>`.

    With any other `status` than 200 there was no file; 0 is no answer.
    """

    path: str
    status: int = _OK
    served: str = ""

    @property
    def sight(self) -> Sight:
        """A server that is busy or broken has not served anything else."""
        if self.status == _OK:
            return Sight.DIVERGENT if self.served else Sight.FITS
        is_broken = self.status in (0, _TOO_MANY) or self.status >= _SERVER_ERROR
        return Sight.SILENT if is_broken else Sight.DIVERGENT


@dataclass(frozen=True)
class Observation:
    """One look. `at` is UTC in whole seconds; `release` is a target path, empty for none.

    `release_sha256` and `tls` are `sha256:<hex>` or `-`. `witness` is the name of the key that
    signed, empty before that.
    """

    address: str
    at: datetime
    release: str = ""
    release_sha256: str = NOTHING
    tls: str = NOTHING
    page_status: int = 0
    assets: tuple[AssetSeen, ...] = ()
    witness: str = field(default="", compare=False)

    @property
    def outcome(self) -> Sight:
        """One file that differs is enough; FITS needs every file, and at least one."""
        sights = {asset.sight for asset in self.assets}
        if Sight.DIVERGENT in sights:
            return Sight.DIVERGENT
        return Sight.FITS if sights == {Sight.FITS} and self.page_status else Sight.SILENT

    @property
    def differing(self) -> tuple[str, ...]:
        """The paths of files that are not what the release lists."""
        return tuple(each.path for each in self.assets if each.sight is Sight.DIVERGENT)
