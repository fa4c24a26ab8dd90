"""nginx as docs/hosting.md has it, in front of a port."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.hosts.processes import Program, free_port, serving
from tests.hosts.recipes import PORT, nginx

__all__ = ["proxied"]


@contextmanager
def proxied(upstream: int, folder: Path) -> Generator[Program]:
    """nginx, with the page's configuration, in front of a port."""
    with free_port() as port:
        own = nginx().replace("listen 80;", f"listen 127.0.0.1:{port} reuseport;").replace(PORT, str(upstream))
        temporary = "".join(
            f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        user = "user root;\n" if os.getuid() == 0 else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"{user}pid {folder / 'nginx.pid'};\ndaemon off;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{own}}}\n",
            encoding="utf-8",
        )
        with serving(["nginx", "-c", str(configuration), "-p", str(folder)], port) as up:
            yield up
