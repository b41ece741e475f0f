import pytest

from stripe_sandbox.client import SandboxAwayError, SandboxClient, SandboxRefusedError
from tests.sandbox import free_port


def test_a_sandbox_that_is_not_there_is_away() -> None:
    with (
        SandboxClient(f"http://127.0.0.1:{free_port()}", "sk_test_nobody") as nobody,
        pytest.raises(SandboxAwayError),
    ):
        nobody.now()


def test_after_a_broken_connection_the_next_call_is_answered(sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/topups", action="drop_before")

    with pytest.raises(SandboxAwayError):
        sandbox.top_up(1_00)
    sandbox.top_up(2_00)

    assert [one["amount"] for one in sandbox.every("/v1/topups")] == [2_00]


def test_a_refusal_tells_its_status_and_why(sandbox: SandboxClient) -> None:
    page = sandbox.call_stripe(
        "/v1/checkout/sessions",
        mode="setup",
        currency="eur",
        success_url="http://localhost/thanks",
    )

    with pytest.raises(SandboxRefusedError) as refusal:
        sandbox.pay(page["id"], card="1234")

    assert refusal.value.status == 402
    assert "incorrect_number" in refusal.value.reason


def test_a_list_is_read_page_after_page(sandbox: SandboxClient) -> None:
    for amount in range(1_00, 2_01):
        sandbox.top_up(amount)
    made = len(sandbox.requests())

    listed = sandbox.each("/v1/topups")
    newest = next(listed)
    after_one = len(sandbox.requests()) - made
    others = list(listed)

    assert [one["amount"] for one in (newest, *others)] == [*range(2_00, 99, -1)]
    assert after_one == 1
    assert len(sandbox.requests(after=made)) == 2
