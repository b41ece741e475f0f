"""A tour of everything the sandbox answers: each call once, on objects in many states."""

from typing import Any

import stripe

from stripe_sandbox.client import SandboxClient

DAY = 24 * 3600
CARD = "4242424242424242"
PAGE = "https://octo.example/"


def euros(amount: int, **more: Any) -> Any:
    """Give the parameters of an amount, as the engine always sends them."""
    return {"amount": amount, "currency": "eur", "metadata": {"octo_attempt": "att_1"}, **more}


def take_tour(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    """Call every call of the sandbox through the SDK."""
    visit_webhook_endpoints(api)
    customer = visit_customers(api)
    visit_payment_intents(api, customer)
    visit_setup_intents(api, customer)
    visit_checkout(api, sandbox)
    visit_charges_and_refunds(api, sandbox)
    visit_disputes(api)
    account = visit_accounts(api, sandbox)
    visit_transfers(api, account)
    visit_balance(api, account)
    visit_products(api)
    visit_events(api)


def visit_webhook_endpoints(api: stripe.StripeClient) -> None:
    kept = api.v1.webhook_endpoints.create(
        {"url": f"{PAGE}webhooks", "enabled_events": ["*"], "description": "Octo"}
    )
    spare = api.v1.webhook_endpoints.create(
        {"url": f"{PAGE}connect", "enabled_events": ["account.updated"], "connect": True}
    )
    api.v1.webhook_endpoints.retrieve(kept.id)
    api.v1.webhook_endpoints.list({"limit": 1})
    for endpoint in (kept, spare):
        api.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
        api.v1.webhook_endpoints.delete(endpoint.id)


def visit_customers(api: stripe.StripeClient) -> str:
    """Keep a customer with a card of theirs; return its id."""
    customer = api.v1.customers.create({"metadata": {"octo_user": "usr_1"}})
    api.v1.customers.update(customer.id, {"email": "lea@riou.example", "name": "Léa"})
    api.v1.customers.retrieve(customer.id)
    api.v1.customers.list({"email": "lea@riou.example"})
    method = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    api.v1.payment_methods.attach(method.id, {"customer": customer.id})
    api.v1.payment_methods.update(method.id, {"metadata": {"octo_user": "usr_1"}})
    api.v1.payment_methods.retrieve(method.id)
    api.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    api.v1.customers.payment_methods.list(customer.id)
    api.v1.payment_methods.detach(method.id)
    gone = api.v1.customers.create()
    api.v1.customers.delete(gone.id)
    api.v1.customers.retrieve(gone.id)
    return customer.id


def visit_products(api: stripe.StripeClient) -> None:
    """Keep a product under an id of one's own, and note something on it."""
    kept = api.v1.products.create({"id": "octo-numbers", "name": "Octo", "active": False})
    api.v1.products.update(kept.id, {"metadata": {"R2026": "3"}})
    api.v1.products.retrieve(kept.id)


def visit_payment_intents(api: stripe.StripeClient, customer: str) -> None:
    intents = api.v1.payment_intents
    waiting = intents.create(euros(10_00, customer=customer))
    intents.update(waiting.id, {"description": "A pledge"})
    intents.confirm(
        waiting.id, {"payment_method": "pm_card_authenticationRequired", "return_url": PAGE}
    )
    intents.cancel(waiting.id, {"cancellation_reason": "abandoned"})
    held = intents.create(
        euros(
            10_00,
            payment_method="pm_card_visa",
            confirm=True,
            capture_method="manual",
            transfer_group="cmp_1",
        )
    )
    intents.capture(held.id, {"amount_to_capture": 8_00})
    refuse(lambda: pay(api, "pm_card_chargeDeclined"))
    intents.retrieve(held.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]})
    intents.list({"limit": 100})


def visit_setup_intents(api: stripe.StripeClient, customer: str) -> None:
    setups = api.v1.setup_intents
    kept = setups.create({"customer": customer, "usage": "off_session", "metadata": {"a": "b"}})
    setups.update(kept.id, {"description": "A card for later"})
    setups.confirm(kept.id, {"payment_method": "pm_card_visa", "return_url": PAGE})
    setups.retrieve(kept.id, {"expand": ["payment_method"]})
    setups.cancel(setups.create({"customer": customer}).id)
    refuse(
        lambda: setups.create(
            {"confirm": True, "payment_method": "pm_card_chargeDeclined", "return_url": PAGE}
        )
    )
    setups.list({"limit": 100})
    api.v1.payment_methods.list({"customer": customer, "type": "card"})


def visit_checkout(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sessions = api.v1.checkout.sessions
    line: Any = {
        "price_data": {"currency": "eur", "unit_amount": 25_00, "product_data": {"name": "Panier"}},
        "quantity": 2,
    }
    params: Any = {
        "mode": "payment",
        "line_items": [line],
        "success_url": PAGE,
        "cancel_url": PAGE,
        "client_reference_id": "plg_1",
        "metadata": {"octo_pledge": "plg_1"},
        "payment_intent_data": {"transfer_group": "cmp_1", "metadata": {"octo_pledge": "plg_1"}},
    }
    for card in (CARD, "4000000000000002", "4000002760003184"):
        session = sessions.create(params)
        sandbox.post(f"/_sandbox/checkout/{session.id}/pay", card=card)
        sessions.retrieve(
            session.id,
            {"expand": ["line_items", "payment_intent.latest_charge.balance_transaction"]},
        )
    sessions.update(session.id, {"metadata": {"octo_pledge": "plg_2"}})
    sessions.expire(session.id)
    sessions.line_items.list(session.id)
    saved = sessions.create({"mode": "setup", "currency": "eur", "success_url": PAGE})
    sandbox.pay(saved.id)
    sessions.retrieve(saved.id, {"expand": ["setup_intent.payment_method", "customer"]})
    sessions.list({"limit": 100})


def visit_charges_and_refunds(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    charge = pay(api, "pm_card_visa")
    api.v1.charges.update(charge, {"description": "Refunded", "metadata": {"a": "b"}})
    refund = api.v1.refunds.create(
        {
            "charge": charge,
            "amount": 3_00,
            "reason": "requested_by_customer",
            "metadata": {"a": "b"},
        }
    )
    waiting = api.v1.refunds.create({"charge": charge})
    api.v1.refunds.update(waiting.id, {"metadata": {"octo_refund": "ref_1"}})
    refuse(lambda: api.v1.refunds.cancel(refund.id))
    failing = api.v1.refunds.create({"charge": pay(api, "pm_card_refundFail")})
    pending = api.v1.refunds.create({"charge": pay(api, "pm_card_pendingRefund")})
    for each in (refund, waiting, failing, pending):
        api.v1.refunds.retrieve(each.id, {"expand": ["balance_transaction", "charge"]})
    sandbox.advance(10 * DAY)
    for each in (waiting, failing, pending):
        api.v1.refunds.retrieve(
            each.id, {"expand": ["balance_transaction", "failure_balance_transaction"]}
        )
    api.v1.refunds.list({"charge": charge, "limit": 2})
    api.v1.charges.retrieve(charge, {"expand": ["balance_transaction", "refunds"]})
    api.v1.charges.list({"limit": 100, "transfer_group": "cmp_1"})


def visit_disputes(api: stripe.StripeClient) -> None:
    for card in ("pm_card_createDispute", "pm_card_createDisputeInquiry"):
        charge = pay(api, card)
        [dispute] = api.v1.disputes.list({"charge": charge}).data
        api.v1.disputes.update(
            dispute.id, {"evidence": {"product_description": "A basket"}, "submit": False}
        )
        api.v1.disputes.retrieve(dispute.id, {"expand": ["charge"]})
        api.v1.disputes.close(dispute.id)


def visit_accounts(api: stripe.StripeClient, sandbox: SandboxClient) -> str:
    """Open accounts, of which one is ready; return that one."""
    accounts = api.v2.core.accounts
    everything: Any = {
        "include": ["configuration.recipient", "defaults", "identity", "requirements"]
    }
    params: Any = {
        "display_name": "La Recyclerie",
        "contact_email": "tresorerie@recyclerie.example",
        "dashboard": "express",
        "identity": {"country": "fr", "entity_type": "non_profit"},
        "configuration": {
            "recipient": {
                "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
            }
        },
        "metadata": {"octo_organisation": "org_1"},
        **everything,
    }
    ready, closed = (accounts.create(params) for _ in range(2))
    api.v2.core.account_links.create(
        {
            "account": ready.id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"refresh_url": PAGE, "return_url": PAGE},
            },
        }
    )
    for outcome in ("restricted", "pending", "complete"):
        sandbox.onboard(ready.id, outcome=outcome)
        accounts.retrieve(ready.id, everything)
    accounts.update(ready.id, {"metadata": {"octo_organisation": "org_2"}})
    accounts.close(closed.id, {"applied_configurations": ["recipient"]})
    accounts.list({"limit": 1})
    api.v1.accounts.retrieve(ready.id)
    api.v1.accounts.retrieve_current()
    return ready.id


def visit_transfers(api: stripe.StripeClient, account: str) -> None:
    funds = api.v1.topups.create(euros(500_00, description="Float"))
    api.v1.topups.update(funds.id, {"description": "The operator's float"})
    api.v1.topups.retrieve(funds.id, {"expand": ["balance_transaction"]})
    api.v1.topups.list({"limit": 1})
    refuse(lambda: api.v1.topups.cancel(funds.id))
    transfers = api.v1.transfers
    sent = transfers.create(euros(100_00, destination=account, transfer_group="cmp_1"))
    transfers.create(euros(5_00, destination=account, source_transaction=pay(api)))
    transfers.update(sent.id, {"metadata": {"octo_attempt": "att_2"}})
    taken = transfers.reversals.create(sent.id, {"amount": 10_00, "metadata": {"a": "b"}})
    transfers.reversals.update(sent.id, taken.id, {"metadata": {"a": "c"}})
    transfers.reversals.retrieve(sent.id, taken.id, {"expand": ["balance_transaction"]})
    transfers.reversals.list(sent.id)
    transfers.retrieve(sent.id, {"expand": ["balance_transaction"]})
    transfers.list({"transfer_group": "cmp_1"})
    there: stripe.RequestOptions = {"stripe_account": account}
    assert sent.destination_payment is not None
    api.v1.charges.retrieve(str(sent.destination_payment), {}, there)
    api.v1.refunds.list({}, there)
    api.v1.balance_transactions.list({}, there)


def visit_balance(api: stripe.StripeClient, account: str) -> None:
    api.v1.balance.retrieve()
    api.v1.balance.retrieve({}, {"stripe_account": account})
    schedule: Any = {"interval": "manual"}
    api.v1.balance_settings.update({"payments": {"payouts": {"schedule": schedule}}})
    api.v1.balance_settings.retrieve()
    paid, canceled = (api.v1.payouts.create(euros(10_00)) for _ in range(2))
    api.v1.payouts.update(paid.id, {"metadata": {"octo_attempt": "att_3"}})
    api.v1.payouts.cancel(canceled.id)
    api.v1.payouts.retrieve(paid.id, {"expand": ["balance_transaction"]})
    api.v1.payouts.list()
    movements = api.v1.balance_transactions.list({"limit": 100, "expand": ["data.source"]})
    api.v1.balance_transactions.retrieve(movements.data[0].id, {"expand": ["source"]})


def visit_events(api: stripe.StripeClient) -> None:
    events = list(api.v1.events.list({"limit": 100}).auto_paging_iter())
    api.v1.events.retrieve(events[0].id)


def pay(api: stripe.StripeClient, card: str = "pm_card_visa") -> str:
    """Take a card payment; return its charge."""
    intent = api.v1.payment_intents.create(euros(10_00, payment_method=card, confirm=True))
    return str(intent.latest_charge)


def refuse(call: Any) -> None:
    """Make a call that Stripe refuses, for what it leaves behind."""
    try:
        call()
    except stripe.StripeError:
        return
    raise AssertionError("this call should have been refused")
