"""One recorder a folder: two would write the same unfinished files, and rows would be lost for good.

Knows an advisory lock on the folder itself, which the kernel lets go when its holder dies, and which leaves
no file behind; refuses to know what is recorded. Taken by the recorder before it reads or writes there.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

# The file system knows no locks on folders (some network ones): better one recorder unguarded than none.
_UNKNOWN_HERE: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class FolderLock:
    """Held from the first successful `take_nowait` until `release`, or until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd: int | None = None

    def take_nowait(self) -> bool:
        """Whether it is ours now."""
        if self._fd is None:
            self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _UNKNOWN_HERE:
                raise
        return True

    def release(self) -> None:
        """Let the next one in."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
