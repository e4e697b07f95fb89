"""Making a folder's entries durable.

Knows one system call; in a module of its own because processes that must start quickly need it, and what
writes Parquet takes long to load.
"""

import os
from pathlib import Path


def fsync_folder(folder: Path) -> None:
    """Make renames and deletions in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
