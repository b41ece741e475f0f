"""Permissions: each a name, and a predicate over a person and an object that says who has it.

Every package declares its own beside its rooms (``accounts/permissions.py``, …) and hands them in
when it registers; ``octo/web`` guards views with them, services ask them about the very object
they have locked.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from octo.errors import OctoError


class Person(Protocol):
    """Whoever asks, signed in or not."""

    @property
    def is_authenticated(self) -> bool:
        """Tell whether the person has signed in."""


class Predicate(ABC):
    """Who may do something to an object, and what anybody else is told."""

    roles: Sequence[str] = ()
    """The roles of the site it asks for, one of which is enough; none when it asks for none."""

    @abstractmethod
    def opens_to(self, person: Person) -> bool:
        """Tell whether it holds for some object, before it is known which one."""

    @abstractmethod
    def holds(self, person: Person, subject: object) -> bool:
        """Tell whether it holds for this object."""

    @abstractmethod
    def refusal(self, person: Person, subject: object) -> OctoError:
        """Return what a person is told for whom it does not hold."""

    def __and__(self, other: "Predicate") -> "Predicate":
        """Return the predicate that holds where both do."""
        return _Both(self, other)


class _Both(Predicate):
    def __init__(self, first: Predicate, second: Predicate) -> None:
        self._parts = (first, second)
        self.roles = first.roles or second.roles

    def opens_to(self, person: Person) -> bool:
        return all(part.opens_to(person) for part in self._parts)

    def holds(self, person: Person, subject: object) -> bool:
        return all(part.holds(person, subject) for part in self._parts)

    def refusal(self, person: Person, subject: object) -> OctoError:
        missing = next(part for part in self._parts if not part.holds(person, subject))
        return missing.refusal(person, subject)


@dataclass(frozen=True)
class Permission:
    """One thing that some people may do, to any object or to some."""

    name: str
    predicate: Predicate


def may(permission: Permission, person: Person, subject: object = None) -> bool:
    """Tell whether a person has a permission, for an object if it is about one."""
    return permission.predicate.holds(person, subject)


def demand(permission: Permission, person: Person, subject: object = None) -> None:
    """Raise what the predicate of a permission refuses with, unless the person has it."""
    if not may(permission, person, subject):
        raise permission.predicate.refusal(person, subject)
