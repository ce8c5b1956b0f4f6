"""Errors as pages: what happened, that nothing was lost, what to do next."""

from __future__ import annotations

import logging
import sqlite3

from flask import Flask, Response, make_response, render_template
from werkzeug.exceptions import HTTPException

from .. import tokens
from ..database import is_full
from ..problems import Problem
from .context import here

log = logging.getLogger("app")


def install(app: Flask) -> None:
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(sqlite3.OperationalError, _database)
    app.register_error_handler(Exception, _unknown)


def _page(title: str, text: str, status: int) -> Response:
    return make_response(render_template("error.html", title=title, text=text), status)


def _say(name: str, status: int, **facts: object) -> Response:
    say = here().catalogue.say
    return _page(say(f"error.{name}.title"), say(f"error.{name}.text", **facts), status)


def nothing_here() -> Response:
    """One answer, the same whether there is nothing or it is not for this person."""
    return _say("nothing", 404)


def _problem(problem: Problem) -> Response:
    say = here().catalogue.say
    return _page(say("error.problem.title"), say(problem.key, **problem.facts), problem.status)


def _http(error: HTTPException) -> Response:
    if error.code == 413:
        return _say("large", 413)
    if error.code in (400, 422):
        return _say("unclear", 400)
    if error.code is not None and error.code < 500:
        return nothing_here()
    return _unknown(error)


def _database(error: sqlite3.OperationalError) -> Response:
    return _say("full", 507) if is_full(error) else _unknown(error)


def _unknown(error: Exception) -> Response:
    """The top of a request: a number to quote, the details in the log alone."""
    number = tokens.short()[:8]
    log.error("reference %s", number, exc_info=error)
    return _say("unknown", 500, number=number)
