"""No test that needs the engine is dealt to the process that has none."""

from __future__ import annotations

from tests.beside import ENGINE, scope_of


def test_whatever_needs_the_engine_stays_together(request):
    items = request.session.items
    strays = [
        item.nodeid
        for item in items
        if ENGINE in getattr(item, "fixturenames", ()) and scope_of(item.nodeid) != ENGINE
    ]
    assert strays == []
