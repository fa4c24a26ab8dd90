"""Upload a file to a hub, with a progress bar, and compare the checksums.

    uvicorn examples.uploader.server:app                # a hub that stores files
    python -m examples.uploader http://127.0.0.1:8000/files holiday.mp4

However large the file, at most a few hundred kilobytes of it are in memory. Ctrl-C cancels the upload, and the hub keeps nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from examples.uploader.server import Stored
from hubstream import HubstreamError
from hubstream.blocking import HubConnection, file_chunks

WIDTH = 40


class Bar:
    """A progress bar in the terminal; silent where there is none."""

    def __init__(self) -> None:
        self._shown = -1

    def show(self, done: int, total: int) -> None:
        """Draw it, if there is anything new."""
        percent = 100 * done // total if total else 100
        if percent == self._shown or not sys.stderr.isatty():
            return
        self._shown = percent
        bar = ("#" * (WIDTH * percent // 100)).ljust(WIDTH, ".")
        end = "\n" if percent == 100 else ""
        print(f"\r[{bar}] {percent:3}%  {done:,} of {total:,} bytes", end=end, file=sys.stderr, flush=True)


def seen_by(see: Callable[[bytes], object], pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, each shown to `see`."""
    for piece in pieces:
        see(piece)
        yield piece


def upload(url: str, path: Path) -> Stored:
    """Upload a file.

    Raises:
        ValueError: What arrived is not what was sent.
    """
    digest = hashlib.sha256()
    # MessagePack carries bytes as they are; in JSON they would be a third longer.
    with HubConnection(url, protocol="messagepack") as connection:
        pieces = seen_by(digest.update, file_chunks(path, progress=Bar().show))
        stored = connection.invoke("store", path.name, pieces, result=Stored)
    if stored.sha256 != digest.hexdigest():
        raise ValueError(f"the hub has stored other bytes: its checksum is {stored.sha256}")
    return stored


def main() -> None:
    """Parse the command line and upload."""
    text, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m examples.uploader",
        description=text,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="the hub's, such as http://127.0.0.1:8000/files")
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    try:
        stored = upload(options.url, options.file)
    except (HubstreamError, OSError, ValueError) as error:
        sys.exit(f"uploader: {error}")
    except KeyboardInterrupt:
        sys.exit("\nuploader: cancelled")
    print(f"{stored.size:,} bytes, SHA-256 {stored.sha256}")


if __name__ == "__main__":
    main()
