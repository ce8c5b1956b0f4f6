"""Members of a community of our own app who read and write at a steady pace, and keep a record."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode, urlsplit

from provisioner.engine.context import Context
from provisioner.engine.keys import get_keys
from provisioner.errors import OperationFailed
from provisioner.models.community import Community

WORD = re.compile(r'name="form" value="([^"]+)"')
POST = re.compile(r'href="(/posts/\d+)"')
COMMENT = re.compile(r'id="(comment-\d+)"')
PASSWORD = "apple tree river"  # noqa: S105 - of people who live for a minute
FORM = "application/x-www-form-urlencoded"
PATIENCE = 60.0  # seconds; longer than the edge holds anybody
MOST_AT_ONCE = 400


@dataclass
class Member:
    """One browser: its cookies, and the word that its forms carry."""

    host: str
    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    word: str = ""

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and page, by the front door."""
        return self.call(method, path, fields)[:2]

    def call(
        self, method: str, path: str, fields: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Status, page, and where it leads."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Host": f"{self.host}:{self.port}", "Connection": "close"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in dict(self.cookies).items())
        body = None
        if fields is not None:
            body = urlencode({"form": self.word, **fields}).encode()
            headers["Content-Type"] = FORM
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            page = answer.read().decode("utf-8", "replace")
            return answer.status, page, answer.headers.get("Location", "")
        finally:
            connection.close()

    def read_word(self, path: str) -> str:
        """Open a page and note the word of its form."""
        status, page = self.ask("GET", path)
        found = WORD.search(page)
        if found is None:
            raise OperationFailed(f"{path} answers {status}", reason="A member could not come in.")
        self.word = found[1]
        return page


def join(context: Context, community: Community, number: int) -> list[Member]:
    """So many people come in by the invitation."""
    path = urlsplit(get_keys(context, community).invite_url).path
    host = community.address.partition(":")[0]
    return [_join(Member(host, context.settings.port), path, each) for each in range(number)]


def _join(member: Member, path: str, number: int) -> Member:
    member.read_word(path)
    fields = {"name": f"Visitor {number}", "password": PASSWORD, "agreed": "yes"}
    status, page = member.ask("POST", path, fields)
    if status != http.client.SEE_OTHER:
        raise OperationFailed(page[:300], reason=f"Joining was answered with {status}.")
    member.read_word("/")
    return member


@dataclass(frozen=True)
class Answered:
    """What came of one request: `text` is what it wrote, or empty; `status` 0 is no answer; `place`
    is where the app says that it keeps the text, with the number that it gave it."""

    text: str
    status: int
    began: float  # time.time()
    seconds: float
    place: str = ""

    @property
    def is_good(self) -> bool:
        return self.status == (http.client.SEE_OTHER if self.text else http.client.OK)


class Crowd:
    """Members who read the feed and write comments by turns, `rate` requests a second in all."""

    def __init__(self, members: list[Member], *, rate: float) -> None:
        self._members, self._rate = members, rate
        status, _ = members[0].ask("POST", "/posts", {"text": "Hello", "audience": "community"})
        page = members[0].ask("GET", "/")[1]
        found = POST.search(page)
        if found is None:
            raise OperationFailed(page[:300], reason=f"The first post was answered with {status}.")
        self._post = found[1]
        self.answers: list[Answered] = []

    @contextmanager
    def busy(self) -> Iterator[None]:
        """They come and go until the block ends; then all that were begun are waited for."""
        ended = threading.Event()
        with ThreadPoolExecutor(MOST_AT_ONCE) as hands:
            timer = threading.Thread(target=self._come, args=(hands, ended))
            timer.start()
            try:
                yield
            finally:
                ended.set()
                timer.join()

    def _come(self, hands: ThreadPoolExecutor, ended: threading.Event) -> None:
        began = time.monotonic()
        for number in count():
            due = began + number / self._rate
            if ended.wait(max(0.0, due - time.monotonic())):
                return
            hands.submit(self._visit, number)

    def _visit(self, number: int) -> None:
        member = self._members[number // 2 % len(self._members)]
        text = f"word {len(self.answers)}.{number}." if number % 2 else ""
        moment, began, place = time.time(), time.monotonic(), ""
        try:
            if text:
                status, _, place = member.call("POST", f"{self._post}/comments", {"text": text})
            else:
                status, _ = member.ask("GET", "/")
        except (OSError, http.client.HTTPException):
            status = 0
        seconds = time.monotonic() - began
        self.answers.append(Answered(text, status, moment, seconds, place.partition("#")[2]))

    def list_lost(self) -> list[Answered]:
        """What was acknowledged and is not there: all of it without the post, too.

        Raises OperationFailed when nothing can be said.
        """
        status, page = self._members[0].ask("GET", self._post)
        if status not in (http.client.OK, http.client.NOT_FOUND):
            raise OperationFailed(page[:300], reason=f"The post is answered with {status}.")
        kept = (answer for answer in self.answers if answer.text and answer.is_good)
        return [answer for answer in kept if answer.text not in page]

    def list_ids(self) -> list[str]:
        """What the app keeps under the post, as `place` names it, in its order."""
        return COMMENT.findall(self._members[0].ask("GET", self._post)[1])
