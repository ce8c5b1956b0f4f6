"""Somebody with a browser that has no JavaScript: follows links, fills forms, keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask
from justhtml import JustHTML
from justhtml.dom import Node
from werkzeug.test import Client, TestResponse

from provisioner.engine.context import Context
from provisioner.models.operation import Operation


@dataclass
class Visitor:
    app: Flask
    page: TestResponse = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def go(self, path: str, **more: object) -> Visitor:
        self.page = self.client.get(path, follow_redirects=True, **more)
        return self

    def submit(self, *, to: str = "", also: dict[str, str] | None = None, **typed: str) -> Visitor:
        """Send the page's form with what it holds, plus what is typed or tapped."""
        form = self.find("form")
        action = to or str(form.attrs.get("action") or self.path)
        sent = read_form(form) | typed | (also or {})
        self.page = self.client.post(action, data=sent, follow_redirects=True)
        return self

    def find(self, selector: str) -> Node:
        found = self.document.query(selector)
        assert found, f"no {selector} on {self.path}:\n{self.words}"
        return found[0]

    def value(self, field_id: str) -> str:
        found = self.find(f"#{field_id}")
        if found.name == "select":
            found = (found.query("option[selected]") or found.query("option"))[0]
        return found.to_text() if found.name == "textarea" else str(found.attrs.get("value") or "")

    @property
    def document(self) -> JustHTML:
        return JustHTML(self.page.text, sanitize=False, scripting_enabled=False)

    @property
    def words(self) -> str:
        return " ".join(self.document.query("main")[0].to_text().split())

    @property
    def path(self) -> str:
        return self.page.request.path

    def start_anew(self) -> None:
        """The browser was closed and opened: of its cookies, it keeps those that say how long."""
        for key, cookie in list(self.client._cookies.items()):
            if cookie.max_age is None and cookie.expires is None:
                del self.client._cookies[key]

    def forget(self) -> None:
        """The browser lost its cookies; the page stays open."""
        self.client = self.app.test_client()


def read_form(form: Node) -> dict[str, str]:
    """The successful controls of a form without its buttons (WHATWG HTML §4.10.22.4)."""
    sent: dict[str, str] = {}
    for control in form.query("input, textarea, select"):
        name, kind = control.attrs.get("name"), control.attrs.get("type", "text")
        if not name or (kind in ("radio", "checkbox") and "checked" not in control.attrs):
            continue
        if control.name == "select":
            chosen = control.query("option[selected]") or control.query("option")
            sent[name] = str(chosen[0].attrs.get("value") or "")
        elif control.name == "textarea":
            sent[name] = control.to_text()
        else:
            sent[name] = str(control.attrs.get("value") or "")
    return sent


def wish(visitor: Visitor, context: Context, **answers: str) -> Operation:
    """Go through all three questions; the Operation that was asked for."""
    founder = {"founder": "Ann", "email": answers.pop("email", "")}
    visitor.go("/start").submit(name=answers.pop("name", "The Smith Family"))
    visitor.submit(preset=answers.pop("preset", "family")).submit(also=answers).submit(also=founder)
    assert visitor.path.startswith("/making/"), visitor.words
    return context.store.get_operation(visitor.path.split("/")[2])
