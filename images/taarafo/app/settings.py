"""The only reader of the environment: where this community keeps its things."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Paths of the app contract. Tests and the curious may move them by environment."""

    data: Path
    config: Path
    secrets: Path
    socket: Path
    reserve_mb: int  # free disk that photos may not use up, so that words always fit

    @property
    def database(self) -> Path:
        return self.data / "community.sqlite3"

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def incoming(self) -> Path:
        """Uploads on their way in; emptied at every start."""
        return self.data / "incoming"

    @property
    def backup(self) -> Path:
        """A consistent copy of the database for the backup to pick up."""
        return self.data / "backup" / "community.sqlite3"

    @property
    def quota(self) -> Path:
        """How many MB the host lets this community keep; no such file: no limit."""
        return self.socket.parent / "quota"

    def secret(self, name: str) -> bytes:
        """The bytes of one mounted secret; an empty one is refused."""
        value = (self.secrets / name).read_bytes().strip()
        if len(value) < 16:
            raise ValueError(f"the secret {name} is too short")
        return value


def read_settings() -> Settings:
    """Settings from `APP_*`, with the app contract's paths as defaults."""
    env = os.environ.get
    return Settings(
        data=Path(env("APP_DATA", "/data")),
        config=Path(env("APP_CONFIG", "/etc/taarafo/community.toml")),
        secrets=Path(env("APP_SECRETS", "/run/secrets")),
        socket=Path(env("APP_SOCKET", "/run/edge/http.sock")),
        reserve_mb=int(env("APP_RESERVE_MB", "200")),
    )
