"""The operator's way in: a one-time link, then a password; tokens for the API."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlmodel import col, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from provisioner.engine.context import Context
from provisioner.engine.keys import sha256_of
from provisioner.errors import NotAllowed, SaidBadly
from provisioner.models.operator import ApiToken, Operator

LINK_LIFETIME = timedelta(days=1)
SHORTEST_PASSWORD = 10
USE_IS_NOTED = timedelta(minutes=1)


def find_operator(context: Context) -> Operator | None:
    with context.store.session(writes=False) as session:
        return session.exec(select(Operator)).first()


def make_operator_link(context: Context) -> str:
    """A new one-time token; an older one stops working. A set password stays until it is used."""
    token = secrets.token_urlsafe(32)
    with context.store.session() as session:
        operator = session.exec(select(Operator)).first() or Operator()
        operator.link_sha256 = sha256_of(token)
        operator.link_expires_at = context.clock.now() + LINK_LIFETIME
        session.add(operator)
    return token


def is_link_open(context: Context, token: str) -> bool:
    """Whether this link may still set a password. Consumes nothing."""
    operator = find_operator(context)
    return operator is not None and _opens(context, operator, token)


def set_password(context: Context, token: str, password: str) -> int:
    """Use the link up, set the password, end older sessions. Returns the session epoch."""
    if len(password) < SHORTEST_PASSWORD:
        raise SaidBadly(
            f"Please take a password with at least {SHORTEST_PASSWORD} signs.", "password"
        )
    hashed = generate_password_hash(password)
    with context.store.session() as session:
        operator = session.exec(select(Operator)).first()
        if operator is None or not _opens(context, operator, token):
            raise NotAllowed("the link was used or is too old")
        operator.password_hash, operator.link_sha256 = hashed, ""
        operator.session_epoch += 1
        session.add(operator)
        return operator.session_epoch


def sign_in(context: Context, password: str) -> int:
    """The session epoch. Raises NotAllowed."""
    operator = find_operator(context)
    if operator is None or not operator.password_hash:
        raise NotAllowed("no password is set")
    if not check_password_hash(operator.password_hash, password):
        raise NotAllowed("wrong password")
    return operator.session_epoch


def is_session_valid(context: Context, epoch: int) -> bool:
    operator = find_operator(context)
    return operator is not None and operator.session_epoch == epoch > 0


def end_sessions(context: Context) -> None:
    """Sign out everywhere: a copied cookie opens nothing any more."""
    with context.store.session() as session:
        session.exec(update(Operator).values(session_epoch=Operator.session_epoch + 1))


def make_api_token(context: Context, label: str) -> str:
    """Shown once; only its digest is kept."""
    token = secrets.token_urlsafe(32)
    with context.store.session() as session:
        session.add(
            ApiToken(label=label[:80], sha256=sha256_of(token), created_at=context.clock.now())
        )
    return token


def find_api_token(context: Context, token: str) -> ApiToken | None:
    with context.store.session(writes=False) as session:
        return session.exec(select(ApiToken).where(ApiToken.sha256 == sha256_of(token))).first()


def note_api_token_use(context: Context, token: ApiToken) -> None:
    """For the list of tokens; once a minute is enough."""
    now = context.clock.now()
    if token.last_used_at is not None and now - token.last_used_at < USE_IS_NOTED:
        return
    with context.store.session() as session:
        changed = update(ApiToken).where(col(ApiToken.id) == token.id)
        session.exec(changed.values(last_used_at=now))


def list_api_tokens(context: Context) -> list[ApiToken]:
    with context.store.session(writes=False) as session:
        return list(session.exec(select(ApiToken).order_by(col(ApiToken.id))).all())


def revoke_api_token(context: Context, token_id: int) -> None:
    with context.store.session() as session:
        if found := session.get(ApiToken, token_id):
            session.delete(found)


def revoke_api_token_by_secret(context: Context, token: str) -> None:
    if found := find_api_token(context, token):
        revoke_api_token(context, found.id or 0)


def _opens(context: Context, operator: Operator, token: str) -> bool:
    expires = operator.link_expires_at
    return (
        bool(operator.link_sha256)
        and secrets.compare_digest(operator.link_sha256, sha256_of(token))
        and expires is not None
        and context.clock.now() < expires
    )
