"""Wake-ups through a real Redis: ours arrive, anybody else's start nothing."""

from __future__ import annotations

import http.client
import json
import logging
import subprocess
import threading
import time
from contextlib import closing, suppress

import pytest
from redis.exceptions import RedisError
from rq import Callback
from rq.job import Job

from provisioner.engine.context import Context
from provisioner.engine.operations import run_operation
from provisioner.engine.operators import make_api_token
from provisioner.errors import Unavailable
from provisioner.jobs import QueueWaker, listen, open_queue
from provisioner.models.operation import OperationState
from tests.live.community import erase, wait_until

pytestmark = pytest.mark.live
PORT = 16379
PATIENCE = 15


@pytest.fixture(scope="module")
def queue_settings(engine, control_plane, state):
    """Settings that lead to a Redis of the queue's own image, beside the deployed one."""
    image = json.loads(state.control_plane_file.read_bytes())["images"]["queue"]
    secret = state.keys_dir / "queue_password"
    opened = engine.folder / "queue_password"
    opened.write_bytes(secret.read_bytes())
    opened.chmod(0o644)
    docker = ["docker", "--host", engine.docker_host]
    start = [*docker, "run", "--rm", "--detach", "--network=host", "--entrypoint=sh"]
    start += [f"--volume={opened}:/run/secrets/queue_password:ro", image, "-c"]
    start += [
        "read -r password < /run/secrets/queue_password; "
        f'exec redis-server /etc/redis/redis.conf --port {PORT} --requirepass "$password"'
    ]
    container = subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()
    settings = state.model_copy(update={"queue_host": "127.0.0.1", "queue_port": PORT})
    wait_until(lambda: is_awake(settings), "Redis answers", PATIENCE)
    yield settings
    subprocess.run([*docker, "rm", "--force", container], check=True, capture_output=True)


def is_awake(settings):
    with suppress(RedisError):
        return open_queue(settings).connection.ping()
    return False


@pytest.fixture
def heard(queue_settings):
    """What a listening worker was told."""
    told, ended = [], threading.Event()
    ear = threading.Thread(target=listen, args=(queue_settings, told.append, ended))
    ear.start()
    yield told
    ended.set()
    ear.join(PATIENCE)
    assert not ear.is_alive()


def test_an_id_arrives_and_leaves_nothing_behind(queue_settings, heard):
    waker, connection = QueueWaker(queue_settings), open_queue(queue_settings).connection
    for number in range(20):
        waker.wake(f"operation-{number}")
    wait_until(lambda: len(heard) == 20, "all arrived", PATIENCE)
    assert heard == [f"operation-{number}" for number in range(20)]
    wait_until(lambda: connection.keys() == [b"rq:queues"], "Redis is empty again", PATIENCE)


def test_no_function_that_a_job_names_is_called(queue_settings, heard, tmp_path):
    """RQ's own worker would call all three."""
    queue, mark = open_queue(queue_settings), tmp_path / "called"
    touch = Callback("tests.live.test_wakeups.touch")
    queue.enqueue("os.mkdir", str(mark), on_success=touch, on_failure=touch)
    queue.enqueue("subprocess.check_call", ["mkdir", str(mark)])
    queue.enqueue_call("os.mkdir", kwargs={"path": str(mark)})
    QueueWaker(queue_settings).wake("ours")
    wait_until(lambda: "ours" in heard, "ours arrived", PATIENCE)
    assert not mark.exists()


def touch(*_: object) -> None:
    raise AssertionError("a callback was called")


@pytest.mark.parametrize(
    "written",
    [
        {"data": b"\x80\x04not json", "status": "queued"},
        {"data": b'["only one"]', "status": "no such state"},
        {"data": b'["f", null, [], {}]', "created_at": "yesterday"},
        {"no": "data"},
    ],
)
def test_a_broken_job_is_thrown_away_and_the_next_one_is_read(
    queue_settings, heard, caplog, written
):
    caplog.set_level(logging.WARNING)
    queue = open_queue(queue_settings)
    queue.connection.hset(Job.key_for("broken"), mapping=written)
    queue.connection.rpush(queue.key, "broken")
    QueueWaker(queue_settings).wake("ours")
    wait_until(lambda: heard == ["ours"], "ours arrived", PATIENCE)


def test_a_wrong_password_is_a_queue_that_is_away(queue_settings, tmp_path):
    (tmp_path / "queue_password").write_text("guessed")
    stranger = queue_settings.model_copy(update={"secrets_dir": tmp_path})
    with pytest.raises(Unavailable):
        listen(stranger, lambda _: None, threading.Event())


def test_the_deployed_worker_is_woken_by_the_api(control_plane, state):
    """Long before its sweep, which looks every ten seconds."""
    context = Context(state)
    token = make_api_token(context, "wake-up test")
    wish = {"name": "Woken at once", "founder": "Ann", "preset": "club"}
    with closing(http.client.HTTPConnection("127.0.0.1", state.port, timeout=30)) as line:
        began = time.monotonic()
        line.request(
            "POST",
            "/api/v1/communities",
            json.dumps(wish),
            {
                "Host": f"localhost:{state.port}",
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
            },
        )
        answer = line.getresponse()
        location = answer.getheader("Location") or ""
        assert answer.status == 202, answer.read()
    operation = location.rpartition("/")[2]
    wait_until(lambda: context.store.list_steps(operation), "a step is recorded", 3)
    assert time.monotonic() - began < 3
    wait_until(
        lambda: OperationState(context.store.get_operation(operation).state).is_over, "it is made"
    )
    (community,) = context.store.list_communities(search="Woken").rows
    assert run_operation(context, erase(context, community).id)
