"""What is noted at Stripe of how far these books went: the last number of each document series.

A document without a transfer leaves no other trace there, so a backup put back could give its
number a second time. The note is a product that is never sold, the one object of Stripe's that
takes an id of ours: it is found again by books that have forgotten making it.
https://docs.stripe.com/api/products/create
"""

from collections.abc import Mapping
from typing import Final

import stripe

from payments.gateway.client import Gateway, UnknownToStripeError

_NOTES: Final = "/v1/products"


def fetch_noted_numbers(gateway: Gateway, *, installation: str) -> dict[str, int] | None:
    """Return the last number noted of each series, or nothing while none ever was."""
    note_id = _note_id(installation)
    try:
        seen = gateway.get(_NOTES, note_id)
    except UnknownToStripeError:
        return None
    noted: dict[str, str] = seen.metadata.to_dict()
    return {series: int(last) for series, last in noted.items() if last.isdecimal()}


def note_numbers(
    gateway: Gateway, numbers: Mapping[str, int], *, installation: str, is_first: bool
) -> None:
    """Note the last number of some series. It moves nothing, and may be done any number of times.

    So it needs no attempt: an answer that is lost is no harm, since the note is read again.
    """
    note_id = _note_id(installation)
    if is_first:
        _make(gateway, note_id)
    noted = {series: str(last) for series, last in numbers.items()}
    gateway.put(f"{_NOTES}/{note_id}", metadata=noted)


def _make(gateway: Gateway, note_id: str) -> None:
    """Make the product, unless another worker just did."""
    try:
        gateway.put(_NOTES, id=note_id, name="Octo", active=False)
    except stripe.InvalidRequestError as error:
        if error.code != "resource_already_exists":
            raise


def _note_id(installation: str) -> str:
    return f"octo-numbers-{installation}"
