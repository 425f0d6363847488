"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import c4py
import pytest
from hypothesis import HealthCheck, settings

# No test modules: without this a failure there would not tell the values.
pytest.register_assert_rewrite("bundles", "reconciled_trees", "workspaces")

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Dates, scans and stores depend on the environment: start from a known one, and leave the user's store alone."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
    for name in ("C4_EXCLUDE_FILE", "C4_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a small tree of every kind of entry."""
    root = tmp_path / "tree"
    (root / "d" / "e").mkdir(parents=True)
    (root / "a.txt").write_text("hello world")
    (root / "d" / "x.bin").write_bytes(bytes(range(256)) * 20)
    (root / "d" / "e" / "empty").touch()
    os.fsencode(root)
    with open(os.path.join(os.fsencode(root), b"not-utf8-\xff"), "wb") as file:
        file.write(b"bytes")
    (root / "link").symlink_to("a.txt")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home directory for the command."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def _shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show all progress, of quick work too."""
    for seconds in ("SHOWN_AFTER", "REDRAWN_AFTER", "TOLD_AFTER"):
        monkeypatch.setattr(f"c4py.progress.{seconds}", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> c4py.FSStore:
    """Give a store that holds nothing."""
    return c4py.FSStore(tmp_path / "store")


@pytest.fixture
def no_configured_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have neither a variable nor a file that names a store."""
    monkeypatch.delenv("C4_STORE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Run as a user who does not bypass permission bits."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def stored(tmp_path: Path, store: c4py.FSStore) -> c4py.Manifest:
    from bundles import make_tree

    return c4py.scan(make_tree(tmp_path / "source"), store=store)


@pytest.fixture
def bundle(tmp_path: Path, stored: c4py.Manifest, store: c4py.FSStore) -> Path:
    c4py.dump(stored, tmp_path / "shots.c4m")
    c4py.pool(tmp_path / "shots.c4m", tmp_path / "bundle", store=store)
    return tmp_path / "bundle"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Give an empty directory for the manifests."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def one(tmp_path: Path, store: c4py.FSStore) -> c4py.Manifest:
    from bundles import make_tree

    return c4py.scan(make_tree(tmp_path / "source"), store=store)


@pytest.fixture
def two(tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest) -> c4py.Manifest:
    """Describe the tree with a file changed, one moved and one gone."""
    assert one
    source = tmp_path / "source"
    (source / "a.txt").write_text("changed")
    (source / "d" / "large.bin").rename(source / "moved.bin")
    (source / "empty").unlink()
    return c4py.scan(source, store=store)


@pytest.fixture
def workspace(tmp_path: Path, store: c4py.FSStore, one: c4py.Manifest) -> c4py.Workspace:
    workspace = c4py.Workspace(tmp_path / "ws", store=store)
    workspace.checkout(one)
    return workspace
