"""The sandbox as the demo uses it, and what people are told when it is away or refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from octo.errors import N_, OperatorError, UnavailableError
from payments.settings import StripeSettings
from stripe_sandbox.client import SandboxAwayError, SandboxClient, SandboxRefusedError

LONGEST_REASON: Final = 500


class NoSandboxError(UnavailableError):
    """The sandbox does not answer, or is not a sandbox."""

    code = "sandbox_away"
    retry_after_seconds = 5


class RefusedBySandboxError(OperatorError):
    """The sandbox refused what was asked."""

    code = "sandbox_refused"


@contextmanager
def sandbox_of(settings: StripeSettings) -> Iterator[SandboxClient]:
    """Give the sandbox of a site, its errors turned into the demo's refusals."""
    assert settings.is_sandbox, "the demo never calls Stripe itself"
    try:
        with SandboxClient(settings.api_base, settings.secret_key) as sandbox:
            yield sandbox
    except SandboxAwayError as error:
        raise NoSandboxError(N_("The Stripe sandbox does not answer.")) from error
    except SandboxRefusedError as error:
        reason = error.reason[:LONGEST_REASON]
        said = f"the Stripe sandbox answered {error.status}: {reason}"
        raise RefusedBySandboxError(said) from error


def try_card(sandbox: SandboxClient, checkout_id: str, *, card: str, three_d_secure: str) -> bool:
    """Pay on the hosted page; tell whether the card was taken."""
    try:
        answer = sandbox.pay(checkout_id, card=card, three_d_secure=three_d_secure)
    except SandboxRefusedError as refusal:
        if refusal.status != HTTPStatus.PAYMENT_REQUIRED:
            raise
        return False
    return answer["error"] is None
