"""Where kept pictures are: files named by their content in one folder of the instance."""

import os
import secrets
from pathlib import Path

from octo.content.pictures import is_media_name
from octo.errors import N_, NotFoundError, UnavailableError


class StorageFullError(UnavailableError):
    """The disk takes no more."""

    code = "storage_full"


class Storage:
    """A folder of files that are written once, whole, and never change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, data: bytes) -> None:
        """Keep ``data``; a reader sees all of it or nothing, also after a power cut.

        Raises ``StorageFullError``, with nothing left behind, when the disk takes no more.
        """
        path = self._path_of(name)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageFullError(
                N_("The picture cannot be kept now. Nothing else is lost: try again later.")
            ) from error

    def read(self, name: str) -> bytes:
        """Return a kept file, or raise ``NotFoundError``."""
        return self.find_path(name).read_bytes()

    def has(self, name: str) -> bool:
        """Tell whether a file is kept."""
        return is_media_name(name) and self._path_of(name).is_file()

    def find_path(self, name: str) -> Path:
        """Return where a file is kept, or raise ``NotFoundError``."""
        if not self.has(name):
            raise NotFoundError(N_("This picture is not here."))
        return self._path_of(name)

    def _path_of(self, name: str) -> Path:
        assert is_media_name(name), name
        return self.folder / name[:2] / name
