"""What goes wrong on purpose."""

from __future__ import annotations

from payments.sandbox.api import ApiRequest, Fault
from payments.sandbox.idempotency import Answer
from payments.sandbox.platforms import Platform


class NoFault:
    """Nothing goes wrong."""

    def on_receipt(self) -> None:
        return

    def on_execution(self) -> None:
        return

    def on_answer(self, answer: Answer) -> Answer:
        return answer

    def on_departure(self) -> None:
        return


def choose_fault(platform: Platform, request: ApiRequest) -> Fault:  # noqa: ARG001
    """Return what is to go wrong with this request."""
    return NoFault()
