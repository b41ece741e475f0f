"""A body that would break a parser is refused as any other that cannot be read."""

from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from tests.campaigns.drafts.test_campaign_file import OWNER, bring_in
from tests.make import Make
from tests.program import Program

BODIES: Final = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep enough for the walk alone": b'{"email":' + b"[" * 900 + b"]" * 900 + b"}",
    "long number": b'{"amount":' + b"9" * 6_000 + b"}",
    "half a character": b'{"email":"\\ud800"}',
    "not UTF-8": b'{"email":"\xff"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_is_a_fault_of_ours(app: Flask, make: Make, body: bytes) -> None:
    campaign = make.live_campaign()
    json = {"Content-Type": "application/json"}

    for path in (f"/campaigns/{campaign.public_id}/pledge-sums", "/tokens"):
        answer = Program(app).ask("POST", path, data=body, headers=json)

        assert answer.status_code in {400, 422}, (path, answer.status_code)


def test_a_file_nested_too_deep_is_refused_in_one_line(
    app: Flask, make: Make, tmp_path: Path
) -> None:
    make.user(email=OWNER)
    file = tmp_path / "campaign.yaml"
    file.write_text("format: " + "[" * 5_000 + "]" * 5_000)

    code, said = bring_in(app, file)

    assert (code, said.count("\n")) == (1, 1), said
    assert "nested too deep" in said
