"""Thousands of good and bad requests, made from the OpenAPI document, against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from provisioner.engine.operators import make_api_token
from tests.web.serving import make_web, serving

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = os.environ.get("TAARAFO_TEST_API_EXAMPLES", "20")


def test_the_server_keeps_to_its_own_document(tmp_path):
    """Every answer fits the document, nothing wrong is accepted, no token means no entry."""
    context, _ = make_web(tmp_path)
    token = make_api_token(context, "schemathesis")
    with serving(tmp_path) as url:
        tested = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
                *("--no-color", "run", f"{url}/api/v1/openapi.json"),
                *("--header", f"Authorization: Bearer {token}"),
                *("--mode", "all", "--max-examples", EXAMPLES, "--continue-on-failure"),
                *("--seed", "1", "--generation-database", "none", "--workers", "1"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "16 passed" in tested.stdout, tested.stdout
