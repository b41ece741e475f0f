"""Identifiers that leave the database, and tokens that cannot be guessed."""

import base64
import hashlib
import secrets
from typing import Final

PUBLIC_ID_LENGTH: Final = 40
_RANDOM_BYTES: Final = 16


def _random_text() -> str:
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=").lower()


def new_public_id(prefix: str) -> str:
    """Make an id such as ``plg_k3…``: a readable prefix and 128 random bits."""
    return f"{prefix}_{_random_text()}"


def new_token() -> str:
    """Make a secret of 128 bits for a mailed link; only its hash is stored."""
    return _random_text()


def hash_token(token: str) -> str:
    """Hash a token for storage and look-up; 128 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
