"""Committed files under addresses that change with their content, so that they keep for a year."""

import hashlib
from pathlib import Path
from typing import Any, Final

from flask import Flask, request, url_for
from werkzeug.wrappers import Response

VERSION: Final = "v"
VENDOR: Final = "vendor/"  # folders there carry the version in their name
FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_AN_HOUR: Final = "public, max-age=3600"


class StaticVersions:
    """The content hash of each committed file, computed once a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def version_of(self, filename: str) -> str:
        """Return the first 10 hex digits of the file's SHA-256, or nothing without a file."""
        if filename not in self._known:
            path = self._folder / filename
            found = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""
            self._known[filename] = found
        return self._known[filename]


def register(app: Flask) -> None:
    """Version ``url_for("static", …)`` and let browsers keep what cannot change."""
    assert app.static_folder is not None
    versions = StaticVersions(Path(app.static_folder))

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        filename = str(values.get("filename", ""))
        if endpoint == "static" and filename and not filename.startswith(VENDOR):
            values[VERSION] = versions.version_of(filename) or None

    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code < 400:  # noqa: PLR2004
            filename = str((request.view_args or {}).get("filename", ""))
            is_exact = request.args.get(VERSION) == versions.version_of(filename)
            response.headers["Cache-Control"] = (
                FOR_EVER if is_exact or filename.startswith(VENDOR) else FOR_AN_HOUR
            )
        return response

    addresses: dict[tuple[str, str], str] = {}

    def static_url(filename: str) -> str:
        """Return the address of a committed file, built once a process and mount point."""
        place = (request.script_root, filename)
        if place not in addresses:
            addresses[place] = url_for("static", filename=filename)
        return addresses[place]

    app.jinja_env.globals["static_url"] = static_url
    app.url_defaults(add_version)
    app.after_request(keep)
