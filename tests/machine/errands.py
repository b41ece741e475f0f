"""Errands: one piece of work of one process, which may freeze or die at a call to Stripe."""

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask

_PATIENCE_SECONDS: Final = 60
_errand: Final[contextvars.ContextVar["Errand | None"]] = contextvars.ContextVar(
    "errand", default=None
)


class DiedError(BaseException):
    """The process ended here, as by ``SIGKILL``: nothing may catch it and go on."""


@dataclass(frozen=True)
class Halt:
    """Where an errand stops: before or after its so many-eth call reaches Stripe."""

    call: int
    is_after: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} call {self.call}"


class Errand:
    """Work that runs in a thread of its own and stands still at its halt until told what next.

    Whoever started it waits until it is frozen or over, so that only one of all errands runs
    at a time and the order of things is the story's.
    """

    def __init__(self, name: str, app: Flask, work: Callable[[], object], halt: Halt) -> None:
        self.name = f"{name}, {halt}"
        self._halt: Halt | None = halt
        self._calls = 0
        self._is_dying = False
        self._stands = threading.Event()
        self._goes_on = threading.Event()
        self._error: BaseException | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, args=(app, work), daemon=True)

    def start(self) -> bool:
        """Let it run to its halt or its end; tell whether it is frozen."""
        self._thread.start()
        return self._wait()

    def thaw(self) -> None:
        """Let it run to its end."""
        self._resume()

    def kill(self) -> None:
        """End it where it stands."""
        self._is_dying = True
        self._resume()

    def reach(self, *, is_after: bool) -> None:
        """Stand here if this is the halt; called on either side of each call to Stripe."""
        self._calls += not is_after
        if self._halt != Halt(self._calls, is_after):
            return
        self._halt = None
        self._stands.set()
        assert self._goes_on.wait(_PATIENCE_SECONDS), f"{self.name} was forgotten"
        if self._is_dying:
            raise DiedError

    def _resume(self) -> None:
        self._stands.clear()
        self._goes_on.set()
        assert not self._wait(), "an errand halts once"

    def _wait(self) -> bool:
        assert self._stands.wait(_PATIENCE_SECONDS), f"{self.name} neither ends nor halts"
        if self._is_over:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return not self._is_over

    def _run(self, app: Flask, work: Callable[[], object]) -> None:
        _errand.set(self)
        try:
            with app.app_context():
                work()
        except DiedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._is_over = True
            self._stands.set()


def errand_here() -> Errand | None:
    """Return the errand whose thread this is; nothing for what runs on without halts."""
    return _errand.get()
