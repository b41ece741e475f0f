"""How the SDK reaches Stripe: one pool of kept connections for all threads.

The SDK's own client keeps a session for each thread and reads the environment anew for each
call; that is a third of all the processor time a refund takes.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3

CONNECT_TIMEOUT_SECONDS: Final = 5.0
READ_TIMEOUT_SECONDS: Final = 25.0


class PooledClient(stripe.HTTPClient):
    """An HTTP client for the SDK; whatever goes wrong on the way leaves the outcome unknown.

    It makes each request once: an attempt is sent again by whoever claims it. A proxy is
    taken from the environment, as it stands when the client is made.
    """

    name = "urllib3"

    def __init__(self, address: str, *, connections: int) -> None:
        super().__init__()
        parts = urlsplit(address)
        proxy = getproxies().get(parts.scheme)
        manager: Any = urllib3.PoolManager
        options: dict[str, Any] = {}
        if proxy is not None and not proxy_bypass(parts.hostname or ""):
            manager, options = urllib3.ProxyManager, {"proxy_url": proxy}
        self._pool = manager(
            **options,
            maxsize=connections,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS),
            retries=False,
            ca_certs=stripe.ca_bundle_path,
        )

    def request(  # type: ignore[override]  # the SDK decodes bytes, as its own clients give them
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Make one request; raises ``APIConnectionError`` when no whole answer came back."""
        try:
            answer = self._pool.request(
                method.upper(), url, body=post_data, headers=headers, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            message = f"{type(error).__name__}: {error}"
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # of the SDK
                message, should_retry=True
            ) from error
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Let go of the kept connections."""
        self._pool.clear()
