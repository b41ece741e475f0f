"""Lists, expansions and parameters, as Stripe reads and answers them."""

from typing import Any

import pytest
import stripe

from stripe_sandbox.client import SandboxClient, SandboxRefusedError
from tests.stripe_sandbox.purchases import metadata_of, refund
from tests.stripe_sandbox.stories import pay, ready_account, top_up

BYPASS = "pm_card_bypassPending"


@pytest.fixture
def customers(api: stripe.StripeClient) -> list[str]:
    """Create five customers; give their ids, newest first as lists do."""
    return [api.v1.customers.create({"name": f"No. {n}"}).id for n in range(5)][::-1]


def ids(page: Any) -> list[str]:
    return [row.id for row in page.data]


def test_pages_go_forward_and_back(api: stripe.StripeClient, customers: list[str]) -> None:
    first = api.v1.customers.list({"limit": 2})
    assert (ids(first), first.has_more) == (customers[:2], True)

    second = api.v1.customers.list({"limit": 2, "starting_after": customers[1]})
    assert (ids(second), second.has_more) == (customers[2:4], True)

    last = api.v1.customers.list({"limit": 2, "starting_after": customers[3]})
    assert (ids(last), last.has_more) == (customers[4:], False)
    whole = api.v1.customers.list({"limit": 5})
    assert (ids(whole), whole.has_more) == (customers, False)

    before = api.v1.customers.list({"limit": 2, "ending_before": customers[4]})
    assert (ids(before), before.has_more) == (customers[2:4], True)
    newest = api.v1.customers.list({"limit": 2, "ending_before": customers[1]})
    assert (ids(newest), newest.has_more) == (customers[:1], False)


def test_the_sdk_walks_every_page(api: stripe.StripeClient, customers: list[str]) -> None:
    page = api.v1.customers.list({"limit": 2})

    assert [customer.id for customer in page.auto_paging_iter()] == customers


def test_what_is_created_meanwhile_disturbs_no_page(
    api: stripe.StripeClient, customers: list[str]
) -> None:
    first = api.v1.customers.list({"limit": 3})
    api.v1.customers.create()

    rest = api.v1.customers.list({"starting_after": first.data[-1].id})

    assert ids(first) + ids(rest) == customers


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_page_has_one_to_a_hundred_rows(api: stripe.StripeClient, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.customers.list({"limit": limit})

    assert refusal.value.param == "limit"


def test_lists_are_filtered_by_creation(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    old = api.v1.customers.create().id
    sandbox.advance(3600)
    middle = sandbox.now()
    new = api.v1.customers.create().id

    def found(**created: int) -> list[str]:
        params: Any = {"created": created}
        return ids(api.v1.customers.list(params))

    assert found(gte=middle) == [new]
    assert found(lt=middle) == [old]
    assert found(gt=0, lte=middle + 100) == [new, old]


def test_money_lists_are_filtered_by_what_they_are_about(api: stripe.StripeClient) -> None:
    one, two = pay(api, 50_00, BYPASS), pay(api, 20_00, BYPASS)
    api.v1.charges.update(one.id, {"transfer_group": "cmp_1"})
    back = refund(api, one, 10_00)
    refund(api, two, 5_00)

    assert ids(api.v1.charges.list({"transfer_group": "cmp_1"})) == [one.id]
    assert ids(api.v1.charges.list({"payment_intent": str(two.payment_intent)})) == [two.id]
    assert ids(api.v1.refunds.list({"charge": one.id})) == [back.id]
    assert ids(api.v1.refunds.list({"payment_intent": str(one.payment_intent)})) == [back.id]
    movements = api.v1.balance_transactions.list
    assert [row.source for row in movements({"source": back.id}).data] == [back.id]
    assert [row.net for row in movements({"type": "refund"}).data] == [-5_00, -10_00]
    assert len(movements({"currency": "eur"}).data) == 4
    assert api.v1.refunds.list({"charge": "ch_nothing"}).data == []


def test_expansion_reaches_through_lists(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)
    refund(api, charge, 10_00)

    seen = api.v1.refunds.list({"expand": ["data.charge.balance_transaction"]}).data[0]

    assert isinstance(seen.charge, stripe.Charge)
    assert isinstance(seen.charge.balance_transaction, stripe.BalanceTransaction)
    assert seen.charge.balance_transaction.net == 49_00
    plain = api.v1.refunds.list().data[0]
    assert plain.charge == charge.id


@pytest.mark.parametrize(
    "path", ["amount", "nothing", "charge.nothing", "charge.payment_intent.latest_charge.refunds.x"]
)
def test_what_cannot_be_expanded_is_refused(api: stripe.StripeClient, path: str) -> None:
    back = refund(api, pay(api, 50_00, BYPASS), 10_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.retrieve(back.id, {"expand": [path]})

    assert refusal.value.param == "expand"


def test_metadata_is_merged_and_a_blank_removes(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create({"metadata": {"a": "1", "b": "2"}}).id

    changed = api.v1.customers.update(customer, {"metadata": {"a": "", "c": "3"}})

    assert metadata_of(changed) == {"b": "2", "c": "3"}
    assert metadata_of(api.v1.customers.update(customer, {"metadata": ""})) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {"k" * 41: "v"},
        {"k": "v" * 501},
        {f"k{n}": "v" for n in range(51)},
    ],
)
def test_metadata_has_limits(api: stripe.StripeClient, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.customers.create({"metadata": metadata})


def test_metadata_may_be_as_large_as_the_limits(api: stripe.StripeClient) -> None:
    largest = {f"{n:040}": "v" * 500 for n in range(50)}
    assert metadata_of(api.v1.customers.create({"metadata": largest})) == largest


def test_unknown_things_are_named(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.charges.retrieve("ch_nothing")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")

    with pytest.raises(stripe.InvalidRequestError) as dangling:
        api.v1.refunds.create({"charge": "ch_nothing"})
    assert (dangling.value.http_status, dangling.value.param) == (400, "charge")

    unknown: Any = {"amuont": 1}
    with pytest.raises(stripe.InvalidRequestError) as misspelt:
        api.v1.refunds.create(unknown)
    assert (misspelt.value.code, misspelt.value.param) == ("parameter_unknown", "amuont")


def test_a_parameter_nested_without_end_is_refused(sandbox: SandboxClient) -> None:
    with pytest.raises(SandboxRefusedError, match="nested too deeply"):
        sandbox.get("/v1/customers", **{"a" + "[b]" * 5_000: "c"})


def test_every_answer_names_its_request(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create()
    assert customer.last_response is not None
    assert str(customer.last_response.request_id).startswith("req_")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.charges.retrieve("ch_nothing")
    assert str(refusal.value.request_id).startswith("req_")


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc", "pk_test_abc", "nonsense"])
def test_only_test_keys_are_taken(sandbox: SandboxClient, key: str) -> None:
    client = stripe.StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)

    with pytest.raises(stripe.AuthenticationError) as refusal:
        client.v1.balance.retrieve()

    assert refusal.value.http_status == 401
    if "live" in key:
        assert "refuses live keys" in str(refusal.value)


def test_platforms_do_not_see_each_other(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    other = stripe.StripeClient(
        f"{sandbox.key}b", base_addresses={"api": sandbox.url}, max_network_retries=0
    )
    charge = pay(api, 50_00)
    top_up(other, 1_00)

    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        other.v1.charges.retrieve(charge.id)
    assert len(other.v1.balance_transactions.list().data) == 1


def test_a_connected_account_does_not_see_the_platform(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    charge = pay(api, 50_00)

    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        api.v1.charges.retrieve(charge.id, {}, {"stripe_account": account})


def test_a_deleted_customer_is_only_a_name(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create({"name": "Léa"}).id

    assert api.v1.customers.delete(customer).deleted

    assert api.v1.customers.retrieve(customer).deleted
    assert api.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        api.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
