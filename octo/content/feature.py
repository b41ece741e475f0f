"""Serve kept pictures and give stories and pictures to templates."""

from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, current_app, send_file
from werkzeug.wrappers import Response

from octo.content import stories
from octo.content.pictures import PictureName
from octo.content.storage import Storage
from octo.errors import N_, NotFoundError
from octo.web.permissions import public

_FOR_EVER: Final = "public, max-age=31536000, immutable"

media = Blueprint("media", __name__)


def storage() -> Storage:
    """Return the store of the current app; for pages, API, commands and jobs only."""
    found: Storage = current_app.extensions["octo.storage"]
    return found


@media.get("/media/<name>")
@public
def show(name: str) -> Response:
    """Serve a kept picture; what a name holds never changes, so it is kept for a year."""
    response = send_file(storage().find_path(name))
    response.headers["Cache-Control"] = _FOR_EVER
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.set_etag(name)
    return response


def picture_of(name: str) -> PictureName:
    """Read the name of a picture for a template."""
    found = PictureName.find(name)
    if found is None:
        raise NotFoundError(N_("This picture is not here."))
    return found


def register(app: Flask) -> None:
    """Keep pictures in the instance folder and serve them."""
    app.extensions["octo.storage"] = Storage(Path(app.instance_path) / "media")
    app.register_blueprint(media)
    app.jinja_env.globals["picture_of"] = picture_of
    stories.register(app)
