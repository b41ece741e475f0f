"""The real SDK, pointed at this test's account of the sandbox."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient


@pytest.fixture
def api(sandbox: SandboxClient) -> stripe.StripeClient:
    """Give Stripe's own client; it never retries by itself, so that a test sees each answer."""
    return stripe.StripeClient(
        sandbox.key, base_addresses={"api": sandbox.url}, max_network_retries=0
    )
