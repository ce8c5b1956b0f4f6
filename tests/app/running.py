"""The real process on its real socket, as the image starts it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from urllib.parse import urlencode

from app.settings import Settings

from tests.app.people import WORD

ROOT = Path(__file__).parents[2]
RECIPE = tomllib.loads((ROOT / "templates" / "taarafo" / "recipe.toml").read_text(encoding="utf-8"))
ENVIRONMENT: dict[str, str] = RECIPE["service"]["environment"]


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("smith.localhost", timeout=20)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Running:
    """`python3 -m app serve`, and a browser's cookies."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cookies: dict[str, str] = {}
        self.start()

    def environment(self) -> dict[str, str]:
        paths = {
            "APP_DATA": self.settings.data,
            "APP_CONFIG": self.settings.config,
            "APP_SECRETS": self.settings.secrets,
            "APP_SOCKET": self.settings.socket,
            "APP_RESERVE_MB": self.settings.reserve_mb,
        }
        return os.environ | ENVIRONMENT | {name: str(value) for name, value in paths.items()}

    def command(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", name],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def launch(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            env=self.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        self.launch()
        deadline = time.monotonic() + 30
        while self.get_or_none("/healthz") != 200:
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def get_or_none(self, path: str) -> int | None:
        try:
            return self.ask("GET", path)[0]
        except OSError:
            return None

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "text/plain"
    ) -> tuple[int, str]:
        connection = Connection(str(self.settings.socket))
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body or None, {"Cookie": jar, "Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for cookie in answer.msg.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer.status, text

    def send(self, path: str, page: str | None = None, **fields: str) -> tuple[int, str]:
        word = WORD.search(self.ask("GET", page or path)[1])
        assert word
        body = urlencode({"form": word[1], **fields}).encode()
        return self.ask("POST", path, body, "application/x-www-form-urlencoded")

    def share_photo(self, text: str, content: bytes) -> tuple[int, str]:
        word = WORD.search(self.ask("GET", "/")[1])
        assert word
        parts = {"form": word[1], "text": text, "audience": "community"}
        line = "x" * 30
        body = b"".join(
            f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parts.items()
        )
        body += (
            f'--{line}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        body += content + f"\r\n--{line}--\r\n".encode()
        return self.ask("POST", "/posts", body, f"multipart/form-data; boundary={line}")

    def memory_mb(self) -> float:
        status = open(f"/proc/{self.process.pid}/status", encoding="ascii").read()  # noqa: PTH123, SIM115
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> tuple[int, str]:
        """Ask it to end; its code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=20)[1]
        return self.process.returncode, said
