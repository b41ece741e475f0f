"""Check all that was entered, and refuse it once: every wrong field is named together.

::

    with InputChecks(wish.unread) as check:
        email = check(normalise_email, wish.email)
        name = check(clean_text, wish.name, field="name", most=100)
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar, cast

from octo.errors import InvalidError, ManyInvalidError

Taken = TypeVar("Taken")
Asked = ParamSpec("Asked")


class InputChecks:
    """Checks that all run before any of them refuses.

    Leaving the block raises what was refused: the refusal itself when it is alone, else
    ``ManyInvalidError``. Nothing that a refused check returned may be used inside the block.
    ``unread`` are fields that could not even be read; whatever else is wrong joins them.
    """

    def __init__(self, unread: Iterable[InvalidError] = ()) -> None:
        self._refused: list[InvalidError] = []
        for error in unread:
            self.refuse(error)

    def __call__(
        self, check: Callable[Asked, Taken], *args: Asked.args, **kwargs: Asked.kwargs
    ) -> Taken:
        """Run one check; what it refuses is kept for the end of the block."""
        try:
            return check(*args, **kwargs)
        except InvalidError as error:
            self.refuse(error)
            return cast("Taken", None)

    def refuse(self, error: InvalidError) -> None:
        """Refuse fields; of several refusals of the same one, the first says enough."""
        for part in error.parts:
            assert isinstance(part, InvalidError)
            if part.field not in {known.field for known in self._refused}:
                self._refused.append(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None or not self._refused:
            return
        raise self._refused[0] if len(self._refused) == 1 else ManyInvalidError(self._refused)
