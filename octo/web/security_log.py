"""What somebody who watches over the site wants to know: tried, let in, refused, changed.

One line each in the log, its name beginning with ``security_``, with the network address and the
page or operation; never a password, a token, an e-mail address, nor a path, which may be secret.
"""

import structlog
from flask import request

_log = structlog.get_logger("octo.security")


def note_security(event: str, **facts: object) -> None:
    """Write one line about this request."""
    _log.info(
        f"security_{event}",
        address=request.remote_addr,
        endpoint=request.endpoint,
        **{name: fact for name, fact in facts.items() if fact},
    )
