"""The hosted pages, used as a backer, an owner and an operator use them: without JavaScript."""

import ast
import re
from pathlib import Path

import pytest
import stripe

import stripe_sandbox.pages as pages_package
from stripe_sandbox.client import SandboxClient
from stripe_sandbox.pages.french import FRENCH
from tests.sandbox import EXPIRY
from tests.stripe_sandbox.browser import Browser, Page
from tests.stripe_sandbox.stories import event_types, new_account, transfers_status

HOUR = 3600
CARD = {"expiry": EXPIRY, "cvc": "123", "name": "Léa Riou", "email": "lea@riou.example"}
DONE = "https://octo.example/merci"
LEFT = "https://octo.example/campagne"


def open_checkout(api: stripe.StripeClient, **more: str) -> stripe.checkout.Session:
    """Open the session of a pledge of 25 EUR with a tip of 1.50."""
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "payment",
        "success_url": f"{DONE}?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": LEFT,
        "line_items": [
            {
                "price_data": {
                    "currency": "eur",
                    "unit_amount": amount,
                    "product_data": {"name": name},
                },
                "quantity": 1,
            }
            for amount, name in ((25_00, "Un panier de légumes"), (1_50, "Pourboire"))
        ],
    }
    if "customer_email" in more:
        params["customer_email"] = more["customer_email"]
    return api.v1.checkout.sessions.create(params)


def checkout_page(browser: Browser, session: stripe.checkout.Session) -> Page:
    assert session.url is not None
    return browser.open(session.url)


def test_backer_reads_what_is_paid_and_pays_it(api: stripe.StripeClient) -> None:
    browser, session = Browser("fr-FR"), open_checkout(api)
    page = checkout_page(browser, session)

    paid = browser.submit(page, {"number": "4242 4242 4242 4242", **CARD})

    assert "Un panier de légumes" in page.text
    assert "26,50\u00a0€" in page.text
    assert (paid.status, paid.location) == (303, f"{DONE}?session={session.id}")
    seen = api.v1.checkout.sessions.retrieve(session.id)
    assert (seen.status, seen.payment_status) == ("complete", "paid")
    assert seen.customer_details is not None
    assert seen.customer_details.email == "lea@riou.example"
    assert event_types(api)[-1] == "checkout.session.completed"


def test_every_page_says_test_and_asks_for_no_script(api: stripe.StripeClient) -> None:
    page = checkout_page(Browser(), open_checkout(api))

    assert "TEST" in page.tree.xpath("string(//p[@role='note'])")
    assert page.tree.xpath("//script | //@style | //@onclick") == []
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("number", "field", "sentence"),
    [
        ("4000000000000002", "number", "The bank declined this card. Try another one."),
        ("4000000000009995", "number", "This card has insufficient funds. Try another one."),
        ("4000000000000069", "expiry", "This card has expired."),
        ("4000000000000127", "cvc", "The security code is wrong."),
        ("4242424242424241", "number", "This is not a valid card number."),
        ("4111111111111111", "number", "Only test cards work here: choose one below."),
        ("12", "number", "This is not a valid card number."),
    ],
)
def test_refusal_is_said_beside_its_field(
    api: stripe.StripeClient, number: str, field: str, sentence: str
) -> None:
    browser, session = Browser(), open_checkout(api)

    refused = browser.submit(checkout_page(browser, session), {"number": number, **CARD})

    assert refused.status == 422
    assert refused.error_beside(field) == sentence
    assert api.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_refused_card_leaves_its_failed_charge_and_the_next_card_pays(
    api: stripe.StripeClient,
) -> None:
    browser, session = Browser(), open_checkout(api)
    refused = browser.submit(
        checkout_page(browser, session), {"number": "4000000000000002", **CARD}
    )

    paid = browser.submit(refused, {"number": "4242424242424242"})

    assert paid.status == 303
    assert [charge.status for charge in api.v1.charges.list().data] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [("expiry", "13 / 34"), ("expiry", "01 / 20"), ("cvc", "12"), ("name", " "), ("email", "lea")],
)
def test_what_cannot_be_right_is_asked_again(
    api: stripe.StripeClient, field: str, typed: str
) -> None:
    browser = Browser()
    page = checkout_page(browser, open_checkout(api))

    again = browser.submit(page, {"number": "4242424242424242", **CARD, field: typed})

    assert again.status == 422
    assert again.error_beside(field)
    assert api.v1.charges.list().data == []


def test_known_e_mail_is_shown_and_not_asked(api: stripe.StripeClient) -> None:
    page = checkout_page(Browser(), open_checkout(api, customer_email="lea@riou.example"))

    assert "lea@riou.example" in page.text
    assert page.tree.xpath("//input[@name='email']") == []


def test_test_card_fills_the_form_in(api: stripe.StripeClient) -> None:
    browser = Browser()
    page = checkout_page(browser, open_checkout(api, customer_email="lea@riou.example"))
    [link] = page.tree.xpath("//ul[@class='cards']//a[contains(@href, '4242424242424242')]/@href")

    filled = browser.open(f"{page.url.split('/c/')[0]}{link}")

    assert browser.submit(filled, {}).status == 303


def test_three_d_secure_completed_pays(api: stripe.StripeClient) -> None:
    browser, session = Browser(), open_checkout(api)
    asked = browser.submit(checkout_page(browser, session), {"number": "4000002760003184", **CARD})

    bank = browser.open(asked.location)
    done = browser.submit(bank, {"outcome": "complete"})

    assert "€26.50" in bank.text
    assert done.location == f"{DONE}?session={session.id}"
    assert api.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_failed_comes_back_to_the_form(api: stripe.StripeClient) -> None:
    browser, session = Browser(), open_checkout(api)
    asked = browser.submit(checkout_page(browser, session), {"number": "4000002760003184", **CARD})

    failed = browser.submit(browser.open(asked.location), {"outcome": "fail"})
    form = browser.open(failed.location)

    assert "The authentication failed" in form.tree.xpath("string(//*[@role='alert'])")
    assert browser.submit(form, {"number": "4242424242424242", **CARD}).status == 303


def test_declined_after_three_d_secure(api: stripe.StripeClient) -> None:
    browser, session = Browser(), open_checkout(api)
    asked = browser.submit(checkout_page(browser, session), {"number": "4000008260003178", **CARD})

    declined = browser.submit(browser.open(asked.location), {"outcome": "complete"})

    alert = browser.open(declined.location).tree.xpath("string(//*[@role='alert'])")
    assert "insufficient funds" in alert


def test_cancel_link_leads_back(api: stripe.StripeClient) -> None:
    page = checkout_page(Browser(), open_checkout(api))

    assert page.tree.xpath("//a[@class='back']/@href") == [LEFT]


def test_expired_session_takes_no_money(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    browser, session = Browser(), open_checkout(api)
    page = checkout_page(browser, session)
    sandbox.advance(25 * HOUR)

    late = browser.submit(page, {"number": "4242424242424242", **CARD})

    assert late.status == 410
    assert "expired" in late.text
    assert api.v1.charges.list().data == []


def test_second_payment_of_a_session_is_not_taken(api: stripe.StripeClient) -> None:
    browser = Browser()
    page = checkout_page(browser, open_checkout(api))
    typed = {"number": "4242424242424242", **CARD}
    browser.submit(page, typed)

    again = browser.submit(page, typed)

    assert "already done" in again.text
    assert len(api.v1.charges.list().data) == 1


def test_card_is_saved_for_later_without_a_charge(api: stripe.StripeClient) -> None:
    browser = Browser()
    session = api.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "success_url": DONE, "cancel_url": LEFT}
    )
    page = checkout_page(browser, session)

    saved = browser.submit(page, {"number": "4242424242424242", **CARD})

    assert "Nothing is charged today" in page.text
    assert saved.location == DONE
    seen = api.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert isinstance(seen.setup_intent, stripe.SetupIntent)
    assert seen.setup_intent.status == "succeeded"
    assert api.v1.charges.list().data == []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("complete", "active"),
        ("pending", "pending"),
        ("restricted", "restricted"),
        ("leave", "restricted"),
    ],
)
def test_owner_onboards_once_per_link(api: stripe.StripeClient, outcome: str, status: str) -> None:
    browser, account = Browser(), new_account(api)
    link = api.v2.core.account_links.create(
        {
            "account": account,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"refresh_url": LEFT, "return_url": DONE},
            },
        }
    )

    ended = browser.submit(browser.open(link.url), {"outcome": outcome})

    assert ended.location == DONE
    assert transfers_status(api, account) == status
    assert browser.open(link.url).location == LEFT


def test_old_onboarding_link_leads_to_a_new_one(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = new_account(api)
    link = api.v2.core.account_links.create(
        {
            "account": account,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"refresh_url": LEFT, "return_url": DONE},
            },
        }
    )
    sandbox.advance(HOUR)

    assert Browser().open(link.url).location == LEFT


def test_form_sent_by_another_site_is_refused(api: stripe.StripeClient) -> None:
    browser, session = Browser(), open_checkout(api)

    forged = browser.submit(
        checkout_page(browser, session),
        {"number": "4242424242424242", **CARD},
        origin="https://evil.example",
    )

    assert forged.status == 403
    assert api.v1.charges.list().data == []


def test_language_follows_the_browser(api: stripe.StripeClient) -> None:
    session = open_checkout(api)

    titles = [
        checkout_page(Browser(language), session).tree.xpath("string(//h1)").strip()
        for language in ("fr-FR,fr;q=0.9", "en-GB", "de")
    ]

    assert titles == ["Payer Octo", "Pay Octo", "Payer Octo"]


def test_every_sentence_has_its_french_and_every_french_is_said() -> None:
    folder = Path(pages_package.__file__).parent
    literals = {
        node.value
        for file in folder.glob("*.py")
        if file.name != "french.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    calls = {
        str(call.args[0].value)
        for file in folder.glob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"t", "_mark"}
        and isinstance(call.args[0], ast.Constant)
    }
    in_templates = {
        sentence
        for file in (folder.parent / "templates").glob("*.html")
        for sentence in re.findall(r"\bt\([\"']([^\"']+)[\"']", file.read_text())
    }

    assert len(calls | in_templates) > 100
    assert (calls | in_templates) - FRENCH.keys() == set()
    assert FRENCH.keys() - literals - in_templates == set()
