"""How often one address may ask; for pages and the API."""

from typing import Final

CHECKOUTS_PER_ADDRESS: Final = "60 per hour"
SUPPORTS_PER_ADDRESS: Final = "10 per hour"
