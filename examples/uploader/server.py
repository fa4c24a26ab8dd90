"""A hub that stores files: `uvicorn examples.uploader.server:app`. They go into the folder `uploads`, or that of $UPLOADS."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from hubstream import Hub, HubError, HubServer

FOLDER = Path(os.environ.get("UPLOADS", "uploads"))


@dataclass
class Stored:
    size: int
    sha256: str


class Files(Hub):
    async def store(self, name: str, pieces: AsyncIterator[bytes]) -> Stored:
        """Store a file, whole or not at all."""
        if not re.fullmatch(r"\w[\w. -]{0,99}", name):
            raise HubError(f"A file may not be called {name!r} here.", "files.name")
        part = self._part()
        digest, size = hashlib.sha256(), 0
        try:
            with part.open("wb") as file:
                # It raises ConnectionLost when the client goes, and HubError when the upload fails there.
                async for piece in pieces:
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
            part.replace(FOLDER / name)
        finally:
            part.unlink(missing_ok=True)
        return Stored(size, digest.hexdigest())

    def _part(self) -> Path:
        FOLDER.mkdir(parents=True, exist_ok=True)
        return FOLDER / f".{self.context.connection_id}.part"


app = HubServer({"/files": Files})
