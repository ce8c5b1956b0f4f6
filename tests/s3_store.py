"""A server that speaks S3, as a process of its own on an address of the tests: moto's."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEYS = "[default]\naws_access_key_id = keeper\naws_secret_access_key = keepers-secret-key\n"
START_SECONDS = 60.0


@dataclass
class Store:
    """`process` may be killed by a test."""

    port: int
    process: subprocess.Popen[bytes]
    host: str = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def s3_store(log: Path, host: str = "127.0.0.1") -> Iterator[Store]:
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            await_answer(host, port, process)
            yield Store(port, process, host)
        finally:
            process.kill()


def await_answer(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection(host, port, timeout=2)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            assert process.poll() is None, "moto's server ended"
            assert time.monotonic() < ends, "moto's server does not answer"
            time.sleep(0.1)
