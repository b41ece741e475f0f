"""No test asks anybody but this machine: a name or an address of another is refused.

It stands in the process of the tests, as a hook of Python's own, for pytest-socket replaces the
class of sockets and lets names be asked for: https://docs.python.org/3/library/audit_events.html
"""

import os
import socket
import sys
from typing import Any, Final

STRIPE_ITSELF: Final = "OCTO_STRIPE_TEST_KEY"
"""With it the contract is compared with Stripe itself, which is elsewhere."""
HERE: Final = ("127.", "::1", "::ffff:127.")
NAMES: Final = {"", "localhost", "0.0.0.0"}  # noqa: S104 - connecting to it is connecting to oneself


class OtherNetworkError(RuntimeError):
    """A test wanted something of another machine."""


def guard_the_network() -> None:
    """Refuse other machines from now on; a hook cannot be taken out."""
    if not os.environ.get(STRIPE_ITSELF):
        sys.addaudithook(_refuse_others)


def _refuse_others(event: str, arguments: tuple[Any, ...]) -> None:
    host = _host_of(event, arguments)
    if host is None:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name not in NAMES and not name.startswith(HERE):
        raise OtherNetworkError(f"a test may reach this machine alone, and not {name}")


def _host_of(event: str, arguments: tuple[Any, ...]) -> Any:
    if event == "socket.getaddrinfo":
        return arguments[0]
    if event in {"socket.connect", "socket.sendto"}:
        asked, address = arguments[:2]
        return address[0] if asked.family in {socket.AF_INET, socket.AF_INET6} else None
    return None
