"""For programs: the same verbs as the command line, under /api/v1."""

from web.api.router import blueprint

__all__ = ["blueprint"]
