"""Wake-ups through Redis: the only importer of `rq`, and never where truth lives.

A job carries an operation's id as JSON. The worker takes it from there, and its sweep finds what
no job told it about: a lost wake-up, a killed worker, a queue that was away.

RQ's own worker calls whatever function a job names, so whoever may write to Redis could run any
code beside Docker's socket. Ours reads the id and calls nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.serializers import JSONSerializer

from provisioner.errors import Unavailable
from provisioner.settings import Settings

log = logging.getLogger(__name__)
Carry = Callable[[str], None]
QUEUE = "operations"
JOB = "carry"  # a name for people who look into the queue; there is no such function
KEPT_SECONDS = 600  # the sweep has found it long before
TURN_SECONDS = 1  # how long one look at the queue waits


def connect_queue(settings: Settings) -> Redis[bytes]:
    """Lazy: nothing is sent before the first command."""
    return Redis(
        host=settings.queue_host,
        port=settings.queue_port,
        password=settings.read_secret("queue_password").decode(),
        socket_connect_timeout=2,
        socket_timeout=10,
        health_check_interval=15,
    )


def open_queue(settings: Settings) -> Queue:
    return Queue(QUEUE, connection=connect_queue(settings), serializer=JSONSerializer)


def reach_queue(settings: Settings) -> None:
    """Raises Unavailable."""
    try:
        connect_queue(settings).ping()
    except RedisError as error:
        raise Unavailable(repr(error), part="the queue") from error


class QueueWaker:
    """The port `Waker`. A queue that is away costs only time: the sweep finds the operation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def wake(self, operation_id: str) -> None:
        try:
            open_queue(self._settings).enqueue(JOB, operation_id, ttl=KEPT_SECONDS)
        except RedisError as error:
            log.warning("queue away, the sweep will find %s: %r", operation_id[:8], error)


def listen(settings: Settings, carry: Carry, ended: Event) -> None:
    """Hand each id that comes to `carry`, which must not block, until `ended` is set.

    Raises Unavailable when the queue goes away.
    """
    try:
        queue = open_queue(settings)
        while not ended.is_set():
            if operation_id := _take(queue):
                carry(operation_id)
    except RedisError as error:
        raise Unavailable(repr(error), part="the queue") from error


def _take(queue: Queue) -> str:
    """The next id; "" when none comes within the turn, or what came is none of ours."""
    try:
        found = Queue.dequeue_any(
            [queue], TURN_SECONDS, queue.connection, serializer=JSONSerializer
        )
        return _read(found[0], queue) if found else ""
    except DequeueTimeout:
        return ""
    except RedisError:
        raise
    except Exception as error:  # whatever somebody wrote there, the next job is read
        log.warning("thrown away a job that is none of ours: %r", error)
        return ""


def _read(job: Job, queue: Queue) -> str:
    queue.connection.delete(job.key)
    queue.intermediate_queue.remove(job.id)
    (operation_id,) = job.args
    return str(operation_id)
