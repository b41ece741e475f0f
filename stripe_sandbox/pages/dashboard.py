"""A small dashboard: read what the sandbox holds, and do by hand what others would do."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, abort, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from stripe_sandbox.errors import ApiError, refused
from stripe_sandbox.money import balance_object
from stripe_sandbox.objects import Json
from stripe_sandbox.pages.boards import (
    Action,
    Board,
    Choice,
    Fact,
    Listing,
    Row,
    Section,
    actions_of,
    as_text,
    facts_of,
    row_of,
)
from stripe_sandbox.pages.language import format_amount, format_instant, read_amount, t
from stripe_sandbox.pages.parts import found, opened
from stripe_sandbox.platforms import Platforms
from stripe_sandbox.resources import accounts, disputes, refunds, topups, transfers
from stripe_sandbox.store import Cursor, Store

blueprint = Blueprint("dashboard", __name__)

_PAGE_ROWS: Final = 20
_LATEST: Final = 5
_RECENT_PLATFORMS: Final = 20
_SEE_OTHER: Final = 303


@dataclass(frozen=True)
class Room:
    """One section of the dashboard: the objects it lists."""

    name: str
    type: str
    title: str
    nothing: str


def _rooms() -> dict[str, Room]:
    rooms = (
        Room("payments", "charge", t("Payments"), t("No payment yet.")),
        Room("accounts", accounts.TYPE, t("Accounts"), t("No account yet.")),
        Room("transfers", "transfer", t("Transfers"), t("No transfer yet.")),
        Room("disputes", "dispute", t("Disputes"), t("No dispute yet.")),
        Room("balance", "balance_transaction", t("Balance"), t("Nothing moved yet.")),
        Room("events", "event", t("Events"), t("No event yet.")),
    )
    return {room.name: room for room in rooms}


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """List the platforms used last."""
    platforms: Platforms = current_app.extensions["platforms"]
    recent = platforms.recent(_RECENT_PLATFORMS)
    rows = [Row(account, href=f"/dashboard/{account}") for account in recent]
    board = Board("", t("Test accounts"))
    board.lists = [Listing("", rows, t("No test key was used yet."))]
    return _shown(board)


@blueprint.get("/dashboard/<platform>")
def overview(platform: str) -> ResponseReturnValue:
    with opened(platform) as store:
        board = _board(store, t("Overview"), "")
        board.figures = _figures(store)
        board.facts = [Fact(t("Sandbox time"), format_instant(store.now))]
        for name in ("payments", "disputes"):
            board.lists.append(_latest(store, name))
    return _shown(board)


@blueprint.get("/dashboard/<platform>/<room_name>")
def listing(platform: str, room_name: str) -> ResponseReturnValue:
    with opened(platform) as store:
        return _shown(_listing(store, _room(room_name)))


@blueprint.post("/dashboard/<platform>/balance")
def add_money(platform: str) -> ResponseReturnValue:
    """Top up the platform's balance."""
    with opened(platform) as store:
        currency = store.settings["default_currency"]
        amount = read_amount(request.form.get("amount", ""), currency)
        if amount is None:
            board = _listing(store, _room("balance"))
            board.refusal = t("Type an amount, such as 12.50.")
            return _shown(board, HTTPStatus.UNPROCESSABLE_ENTITY)
        topups.top_up(store, amount, currency)
    return redirect(request.path, _SEE_OTHER)


@blueprint.get("/dashboard/<platform>/<room_name>/<id_>")
def detail(platform: str, room_name: str, id_: str) -> ResponseReturnValue:
    with opened(platform) as store:
        return _shown(_detail(store, _room(room_name), id_))


@blueprint.post("/dashboard/<platform>/<room_name>/<id_>")
def act(platform: str, room_name: str, id_: str) -> ResponseReturnValue:
    """Do one thing by hand, or say why Stripe would not."""
    room = _room(room_name)
    try:
        with opened(platform) as store:
            _do(store, found(store, id_, room.type), request.form.get("action", ""))
    except ApiError as refusal:
        with opened(platform) as store:
            board = _detail(store, room, id_)
            board.refusal = refusal.message
            return _shown(board, HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(request.path, _SEE_OTHER)


def _do(store: Store, stored: Json, action: str) -> None:
    amount = _typed_amount(stored)
    if action == "refund":
        refunds.refund_charge(store, stored, amount)
    elif action == "reverse":
        transfers.reverse_transfer(store, stored, amount, {})
    elif action in disputes.KINDS:
        disputes.open_dispute(store, stored, action)
    elif action in {"win", "lose", "escalate"}:
        disputes.decide_dispute(store, stored, action)
    elif action in accounts.OUTCOMES:
        accounts.onboard(store, stored["id"], action)
    elif action == "close":
        accounts.close_account(store, stored["id"])
    else:
        abort(HTTPStatus.BAD_REQUEST)


def _typed_amount(stored: Json) -> int | None:
    if "amount" not in request.form:
        return None
    amount = read_amount(request.form["amount"], stored["currency"])
    if amount is None:
        raise refused(t("Type an amount, such as 12.50."), param="amount")
    return amount


def _room(name: str) -> Room:
    room = _rooms().get(name)
    if room is None:
        abort(HTTPStatus.NOT_FOUND)
    return room


def _board(store: Store, title: str, current: str) -> Board:
    root = f"/dashboard/{store.account}"
    sections = [Section(root, t("Overview"), is_current=current == "")]
    sections += [
        Section(f"{root}/{room.name}", room.title, is_current=current == room.name)
        for room in _rooms().values()
    ]
    return Board(store.account, title, sections)


def _listing(store: Store, room: Room) -> Board:
    root = f"/dashboard/{store.account}/{room.name}"
    after = request.args.get("after")
    if after is not None:
        found(store, after, room.type)
    page = store.page(room.type, {}, {}, Cursor(_PAGE_ROWS, after, None))
    board = _board(store, room.title, room.name)
    rows = [row_of(stored, f"{root}/{stored['id']}") for stored in page.rows]
    board.lists = [Listing("", rows, room.nothing)]
    board.newer = root if after else ""
    board.older = f"{root}?after={page.rows[-1]['id']}" if page.has_more else ""
    if room.name == "balance":
        board.figures = _figures(store)
        add = [Choice("top_up", t("Add"))]
        currency = store.settings["default_currency"].upper()
        board.actions = [Action(t("Top up the balance"), add, "100", currency)]
    return board


def _latest(store: Store, name: str) -> Listing:
    room = _rooms()[name]
    page = store.page(room.type, {}, {}, Cursor(_LATEST, None, None))
    root = f"/dashboard/{store.account}/{name}"
    rows = [row_of(stored, f"{root}/{stored['id']}") for stored in page.rows]
    return Listing(t("Latest: %(what)s", what=room.title), rows, room.nothing)


def _detail(store: Store, room: Room, id_: str) -> Board:
    stored = found(store, id_, room.type)
    board = _board(store, row_of(stored, "").name, room.name)
    board.facts = facts_of(stored)
    board.actions = actions_of(stored)
    if room.type == "charge":
        board.lists = [_below(store, "refund", t("Refunds"), charge=id_)]
        board.lists.append(_below(store, "dispute", t("Disputes"), charge=id_))
    elif room.type == "transfer":
        board.lists = [_below(store, "transfer_reversal", t("Reversals"), transfer=id_)]
    elif room.type == accounts.TYPE:
        board.figures = _figures(store.on(id_))
        board.lists = [_below(store, "transfer", t("Transfers"), destination=id_)]
    board.json = as_text(stored)
    return board


def _below(store: Store, type_: str, name: str, **fields: str) -> Listing:
    """List the objects that hang on another, each with its page if it has one."""
    rooms = {room.type: room.name for room in _rooms().values()}
    root = f"/dashboard/{store.account}/{rooms[type_]}" if type_ in rooms else ""
    page = store.page(type_, fields, {}, Cursor(_PAGE_ROWS, None, None))
    rows = [row_of(each, f"{root}/{each['id']}" if root else "") for each in page.rows]
    return Listing(name, rows, t("None."))


def _figures(store: Store) -> list[Fact]:
    balance = balance_object(store)
    figures = []
    for share in balance["available"]:
        shown = format_amount(share["amount"], share["currency"])
        figures.append(Fact(t("Available"), shown))
    for share in balance["pending"]:
        shown = format_amount(share["amount"], share["currency"])
        figures.append(Fact(t("Pending"), shown))
    return figures


def _shown(board: Board, status: int = HTTPStatus.OK) -> ResponseReturnValue:
    return render_template("dashboard.html", page=board), status
