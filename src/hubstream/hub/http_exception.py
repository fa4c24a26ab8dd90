"""What a framework's `HTTPException` means to the caller of a hub method: there is no status here to answer with.

It is known by its `status_code` and `detail` (FastAPI's, Starlette's and Litestar's have them); no framework is imported.
"""

from __future__ import annotations

from hubstream.errors import HubError
from hubstream.hub.authorize import Unauthorized

__all__ = ["as_answer"]


def as_answer(error: BaseException) -> BaseException:
    """An error as the caller gets it.

    401 and 403 are `Unauthorized`. With another status the detail was written for whoever asked, as a `HubError`'s text is, and
    becomes one; a detail that is no text stays with the server. Any other error is returned as it is.
    """
    try:
        status, detail = error.status_code, error.detail  # type: ignore[attr-defined]  # most have neither
    except Exception:  # noqa: BLE001 - whatever an error's own attributes raise: it is none of these
        return error
    if not isinstance(status, int):
        return error
    if status in {401, 403}:
        return Unauthorized()
    return HubError(detail) if isinstance(detail, str) else error
