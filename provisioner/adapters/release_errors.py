"""What tuf finds wrong, said in our words: a failed signature never looks like a busy server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    SlowRetrievalError,
    UnsignedMetadataError,
)

from provisioner.adapters.release_sources import NOT_FOUND
from provisioner.errors import OperatorError, ReleaseExpired, ReleaseRejected, Unavailable

FORBIDDEN = 403  # some object stores say so instead of "not found"
REASONS: dict[type[Exception], str] = {
    UnsignedMetadataError: "a signature is missing or wrong",
    BadVersionNumberError: "an older list was offered than the one we have seen",
    LengthOrHashMismatchError: "a file is not the one that was signed",
    DownloadLengthMismatchError: "a file is larger than it may be",
    SlowRetrievalError: "it was sent too slowly",
    RepositoryError: "its list is damaged or incomplete",
}


@contextmanager
def translated() -> Iterator[None]:
    """Say in our words what tuf found."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise ReleaseExpired(str(error), reason=str(error)) from error
    except DownloadHTTPError as error:
        if error.status_code not in (NOT_FOUND, FORBIDDEN):
            raise Unavailable(str(error), part="the release list") from error
        raise ReleaseRejected(str(error), reason="a part of its list is missing") from error
    except (RepositoryError, DownloadLengthMismatchError, SlowRetrievalError) as error:
        reason = next(text for kind, text in REASONS.items() if isinstance(error, kind))
        raise ReleaseRejected(str(error), reason=reason) from error
    except PermissionError as error:  # waiting would not help
        raise OperatorError(str(error)) from error
    except (DownloadError, OSError) as error:
        raise Unavailable(str(error), part="the release list") from error
