"""How often one address may ask; pages and API count together."""

from typing import Final

from flask import request

from octo.web.limits import declare_limit


def asks_for_sums() -> bool:
    """Tell whether a form only asks what its pledge comes to, and opens no checkout yet."""
    return request.endpoint == "pledges.place" and "agreed" not in request.form


checkouts: Final = declare_limit("checkout", "60 per hour", exempt_when=asks_for_sums)
supports: Final = declare_limit("support", "10 per hour")
