"""The demo's page: what time it is there, and a button that moves it."""

import threading
from typing import Final

import structlog
from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from demo.instants import parse_span
from demo.loading import find_season, set_out, travel
from demo.sign_ins import DEMO_PASSWORD, SIGN_INS
from demo.stagehands import Stagehands, stagehands
from octo.database import db
from octo.errors import N_, InvalidError
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.navigation import Link, Place, add_link
from octo.web.permissions import public

SPANS: Final = ("1d", "7d", "45d")
blueprint = Blueprint("demo", __name__, url_prefix="/demo")
_log = structlog.get_logger()


def register_pages(app: Flask) -> None:
    """Add the demo's page and its link."""
    app.register_blueprint(blueprint)
    add_link(app, Link(N_("Move time"), "demo.show", Place.DEMO))


@blueprint.get("")
@public
def show() -> ResponseReturnValue:
    """Show the demo's time, and whether it moves."""
    season = find_season()
    clock = runtime().clock
    is_moving = season is not None and season.is_moving(machine=clock.machine_now())
    page = render_template(
        "demo/show.html",
        now=clock.now(),
        target_at=season.target_at if season else None,
        is_moving=is_moving,
        sign_ins=SIGN_INS,
        password=DEMO_PASSWORD,
    )
    response = make_response(page)
    if is_moving:
        response.headers["Refresh"] = "1"
    return response


@blueprint.post("/advance")
@public
@shown_again_by(show)
def move_time() -> ResponseReturnValue:
    """Begin to move time; the page follows it."""
    span = request.form.get("span", "")
    if span not in SPANS:
        raise InvalidError(N_("Choose one of the spans."), field="span")
    hands = stagehands()
    set_out(hands, by=parse_span(span))
    threading.Thread(target=_travel, args=(hands,), daemon=True).start()
    flash_message(_("Time is moving."))
    return redirect(url_for("demo.show"))


def _travel(hands: Stagehands) -> None:
    """Move time beside the requests; cut short, the next one resumes it."""
    with hands.app.app_context():
        try:
            for step in travel(hands):
                _log.info("time_moved", at=step.at.isoformat())
        except Exception:  # noqa: BLE001 - the thread's last word: it is logged, and resumed later
            _log.exception("time_stopped")
        finally:
            db.session.remove()
