"""The document of the API tells the truth: whatever is sent, what comes back is described."""

import contextlib
import contextvars
import re
from typing import Any, Final, cast

import pytest
import schemathesis
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from octo.accounts.access_tokens import give_token
from octo.accounts.models import Membership, RoleName, User
from octo.accounts.roles import grant_role
from octo.clock import DatabaseClock
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.databases import chosen_engines
from tests.make import Make
from tests.visitor import Visitor, refresh

EXAMPLES: Final = 2
CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
FEW: Final = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def known(make: Make, sandbox: SandboxClient) -> dict[str, str]:
    """Make one of each thing, all in reach of one person, and give their ids."""
    campaign = make.live_campaign(stock=3)
    pledge = make.pledge(campaign, 15_00)
    person = db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=campaign.organisation_id)
    ).one()
    grant_role(person.public_id, role=RoleName.ADMIN, actor="test", clock=DatabaseClock())
    return {
        "campaign_id": campaign.public_id,
        "reward_id": campaign.rewards[0].public_id,
        "organisation_id": campaign.organisation.public_id,
        "pledge_id": pledge.public_id,
        "payment_id": make.payment(pledge).public_id,
        "user_id": person.public_id,
    }


def bearer(user_id: str) -> dict[str, str]:
    _token, secret = give_token(user_id, clock=DatabaseClock())
    db.session.rollback()
    return {"Authorization": f"Bearer {secret}"}


def faults_of(operation: Any, mode: GenerationMode, known: dict[str, str]) -> list[str]:
    """Send an operation a few requests, and name every answer that its document does not tell."""
    faults: list[str] = []
    headers = bearer(known["user_id"])

    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: Any) -> None:
        case.path_parameters = {**case.path_parameters, **within(case.path_parameters, known)}
        answer = contextvars.Context().run(case.call, headers=headers)
        refresh()
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            faults.extend(f"{operation.label}: {fault}" for fault in group.exceptions)
            return
        codes = operation.definition.raw["responses"][str(answer.status_code)].get("x-codes")
        if codes is not None and answer.json()["code"] not in codes:
            faults.append(f"{operation.label}: {answer.status_code} {answer.json()['code']}")

    with contextlib.suppress(Unsatisfiable):  # where nothing is sent, nothing can be sent wrongly
        probe()
    return faults


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", chosen_engines()[-1:])
def test_an_id_of_nothing_is_not_found_everywhere(app: Flask, known: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    nothing = {"user_id": known["user_id"]}  # who asks; the ids of the rest are made up

    faults = [
        fault
        for found in schema.get_all_operations()
        for fault in faults_of(cast("Ok[Any]", found).ok(), GenerationMode.POSITIVE, nothing)
    ]

    assert not faults, "\n".join(faults)


def within(wanted: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in known.items() if name in wanted}


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", chosen_engines()[-1:])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_sent_the_answer_is_documented(
    app: Flask, known: dict[str, str], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)

    faults = [
        fault
        for found in schema.get_all_operations()
        for fault in faults_of(cast("Ok[Any]", found).ok(), mode, known)
    ]

    assert not faults, "\n".join(faults)


def test_every_operation_says_what_it_does_and_who_may_ask(client: Visitor) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    told = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]

    assert len(told) > 70
    assert len({operation["operationId"] for operation in told}) == len(told)
    for operation in told:
        name = operation["operationId"]
        assert re.fullmatch(r"[A-Z][^\n]*\.", operation["summary"]), name
        assert operation["security"], name
        for status, answer in operation["responses"].items():
            assert int(status) < 400 or all(answer["x-codes"].values()), name
    assert {tag["name"] for tag in document["tags"]} == {tag for one in told for tag in one["tags"]}


def test_the_page_is_in_french_and_in_english_for_who_asks(client: Visitor) -> None:
    french = client.page("/api").text_content()
    english = client.page("/api?lang=en").text_content()

    for said, page in [
        ("Contribuer, et obtenir l’adresse de la page de paiement.", french),
        ("Il ne reste plus de cette contrepartie.", french),
        ("Pledge, and get the address of the page to pay on.", english),
        ("None of this reward is left.", english),
    ]:
        assert said in page
