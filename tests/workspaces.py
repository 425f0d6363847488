"""What the tests of workspaces share."""

from __future__ import annotations

import c4py
from bundles import listing
from c4py.workspace import MANIFEST_FILE, STATE_FILE


def files(workspace: c4py.Workspace) -> dict[str, bytes]:
    """Give what is in a workspace, without its state."""
    return {path: data for path, data in listing(workspace.path).items() if path not in (STATE_FILE, MANIFEST_FILE)}


def again(workspace: c4py.Workspace) -> c4py.Workspace:
    """Open a workspace as another process does."""
    return c4py.Workspace(workspace.path, store=workspace.store)
