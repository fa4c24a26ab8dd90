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
def proxied(folder: Path, *ports: int, ip_hash: bool = False) -> Generator[Program]:
    """nginx, with the page's configuration, in front of a port, or of several in turn or by their clients' addresses."""
    with free_port() as port:
        own = (
            nginx().replace("listen 80;", f"listen 127.0.0.1:{port} reuseport;").replace(f"127.0.0.1:{PORT}", "workers")
        )
        servers = "".join(f"server 127.0.0.1:{upstream}; " for upstream in ports)
        own += f"upstream workers {{ {'ip_hash; ' if ip_hash else ''}{servers}}}\n"
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
