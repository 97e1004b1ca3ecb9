"""A PostgreSQL of the tests' own: one cluster for a worker, a fresh database for whoever asks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text


def binaries() -> Path | None:
    """Where Debian puts the server's programs, which are not on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A cluster of this test's own on a free loopback port."""
    programs = binaries()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing; .ci/run installs it")
        pytest.skip("PostgreSQL is not installed")
    with cluster(programs) as url:
        yield url


@contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """A running server with a folder of its own, both gone at the end."""
    # Not pytest's folder: the path of a socket must be short, and another user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="millstream-pg-"))
    as_postgres: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str) -> None:
        subprocess.run([*as_postgres, *command], cwd="/", check=True, capture_output=True)

    cluster, options = str(folder / "cluster"), f"-h 127.0.0.1 -p {port} -k {folder} -F"
    run(str(programs / "initdb"), "-A", "trust", "-U", "postgres", "-D", cluster, "--no-sync")
    run(str(programs / "pg_ctl"), "-D", cluster, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        run(str(programs / "pg_ctl"), "-D", cluster, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def fresh_database(server: str) -> str:
    """The URL of a new, empty database."""
    name = f"state_{uuid4().hex[:12]}"
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name}"))
    admin.dispose()
    return f"{server}/{name}"
