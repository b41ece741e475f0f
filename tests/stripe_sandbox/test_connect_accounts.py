"""Connected accounts: opened, onboarded, restricted again, closed."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.stories import event_types, new_account, ready_account, transfers_status

HOUR = 3600


def test_account_is_not_ready_before_its_onboarding(api: stripe.StripeClient) -> None:
    account = new_account(api)

    seen = api.v2.core.accounts.retrieve(account, {"include": ["requirements"]})

    assert transfers_status(api, account) == "restricted"
    assert seen.requirements is not None
    assert seen.requirements.entries
    assert seen.requirements.entries[0].awaiting_action_from == "user"


def test_v2_shows_only_what_is_included(api: stripe.StripeClient) -> None:
    account = new_account(api)

    plain = api.v2.core.accounts.retrieve(account)
    full = api.v2.core.accounts.retrieve(account, {"include": ["identity", "defaults"]})

    assert (plain.identity, plain.configuration, plain.requirements) == (None, None, None)
    assert full.identity is not None
    assert full.identity.country == "fr"
    assert full.configuration is None


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("complete", "active"), ("pending", "pending"), ("restricted", "restricted")],
)
def test_onboarding_ends_as_chosen(
    api: stripe.StripeClient, sandbox: SandboxClient, outcome: str, status: str
) -> None:
    account = new_account(api)

    sandbox.onboard(account, outcome=outcome)

    assert transfers_status(api, account) == status


def test_pending_verification_ends_by_itself(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = new_account(api)
    sandbox.onboard(account, outcome="pending")

    sandbox.advance(HOUR)

    assert transfers_status(api, account) == "active"


def test_ready_account_loses_its_readiness_and_says_so(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)

    sandbox.restrict(account)

    assert transfers_status(api, account) == "restricted"
    assert event_types(api, account) == ["account.updated", "account.updated"]


def test_update_changes_what_it_names_and_keeps_the_rest(api: stripe.StripeClient) -> None:
    account = new_account(api)

    api.v2.core.accounts.update(
        account, {"display_name": "Ressourcerie", "metadata": {"octo_organisation": "org_1"}}
    )

    seen = api.v2.core.accounts.retrieve(account, {"include": ["identity"]})
    assert seen.display_name == "Ressourcerie"
    assert seen.contact_email == "tresorerie@recyclerie.example"
    assert seen.metadata is not None
    assert seen.metadata.octo_organisation == "org_1"


def test_accounts_are_listed_page_after_page(api: stripe.StripeClient) -> None:
    opened = [new_account(api, f"Association {number}") for number in range(5)]

    listed = [account.id for account in api.v2.core.accounts.list({"limit": 2}).auto_paging_iter()]

    assert listed == list(reversed(opened))


def test_closed_account_leaves_the_list(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    account = ready_account(api, sandbox)

    api.v2.core.accounts.close(account, {"applied_configurations": ["recipient"]})

    assert list(api.v2.core.accounts.list().auto_paging_iter()) == []
    assert [seen.id for seen in api.v2.core.accounts.list({"closed": True}).data] == [account]


def test_capability_is_refused_without_a_country(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"identity\.country"):
        api.v2.core.accounts.create(
            {
                "configuration": {
                    "recipient": {
                        "capabilities": {
                            "stripe_balance": {"stripe_transfers": {"requested": True}}
                        }
                    }
                }
            }
        )


def test_unknown_account_is_not_found(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v2.core.accounts.retrieve("acct_nobody")

    assert refusal.value.http_status == 404


def test_same_key_opens_one_account(api: stripe.StripeClient) -> None:
    first, second = (
        api.v2.core.accounts.create({"display_name": "A"}, {"idempotency_key": "open-1"})
        for _ in range(2)
    )

    assert first.id == second.id
    assert len(api.v2.core.accounts.list().data) == 1


def test_v1_shows_the_same_account(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    account = ready_account(api, sandbox)

    seen = api.v1.accounts.retrieve(account)

    assert seen.capabilities is not None
    assert seen.capabilities.transfers == "active"
    assert seen.payouts_enabled
