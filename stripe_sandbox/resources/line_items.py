"""The lines of a Checkout Session, priced on the spot."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.errors import malformed, missing_param, refused
from stripe_sandbox.forms import Params
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.store import Store

_MOST_LINES: Final = 100


def read_line_items(store: Store, params: Params) -> list[Json]:
    """Read ``line_items``; each must carry its own ``price_data``."""
    lines = params.branches("line_items")
    if not lines:
        raise missing_param("line_items")
    if len(lines) > _MOST_LINES:
        raise malformed(f"Invalid array: at most {_MOST_LINES} line items.", param="line_items")
    return [_line_item(store, line) for line in lines]


def _line_item(store: Store, line: Params) -> Json:
    line.allow(("adjustable_quantity", "metadata", "price", "price_data", "quantity", "tax_rates"))
    if "price_data" not in line:
        raise refused("This sandbox keeps no prices: give price_data.", param=line.name("price"))
    price = line.branch("price_data")
    price.allow(("currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount"))
    product = price.branch("product_data")
    name = product.need_text("name")
    currency, unit_amount = price.currency(), price.amount("unit_amount")
    if "quantity" not in line:
        raise missing_param(line.name("quantity"))
    quantity = line.amount("quantity")
    total = unit_amount * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": name,
        "metadata": line.metadata(),
        "price": {
            "id": new_id("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": store.now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": new_id("prod", 14),
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": unit_amount,
            "unit_amount_decimal": str(unit_amount),
        },
        "quantity": quantity,
    }
