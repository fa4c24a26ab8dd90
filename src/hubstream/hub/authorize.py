"""Who may: `@authorize` on a hub, a method or a stream, and the guard that is made of it once, when the hub is mapped.

Of a hub class it is asked on every HTTP request to it; of a method on every call. Imports `user` only. Policies are the user's
code: plain ones run on the event loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, cast, overload

from hubstream.user import User

__all__ = ["Guard", "Policy", "Requirement", "Unauthorized", "authorize", "guard_of"]

F = TypeVar("F", bound=Callable[..., Any])

Policy: TypeAlias = Callable[[User], bool | Awaitable[bool]]
"""Whether a user may; a plain function or an async one."""

MARK = "__authorize__"


class Unauthorized(Exception):
    """The user may not do what was asked for, or there is no user."""


class Requirement:
    """What one `@authorize` asks for; the decorator itself, where it has arguments."""

    __slots__ = ("policy", "roles")

    def __init__(self, roles: frozenset[str], policy: Policy | None) -> None:
        self.roles = roles
        """The user has one of these; none is asked for if it is empty."""
        self.policy = policy

    def __call__(self, target: F) -> F:
        found: object = target
        if not isinstance(found, type | FunctionType):
            raise TypeError(f"@authorize stands on a hub class or on a method's 'def', not on {target!r}")
        setattr(target, MARK, (self, *_marks(target)))
        return target


@overload
def authorize(target: F, /) -> F: ...
@overload
def authorize(*, role: str | Collection[str] | None = None, policy: Policy | None = None) -> Requirement: ...
def authorize(target: Any = None, /, *, role: str | Collection[str] | None = None, policy: Policy | None = None) -> Any:
    """Let only some users call a method, or connect to a hub; without arguments, any user, but no anonymous one.

        @authorize
        class Orders(Hub):
            async def mine(self) -> list[str]: ...

            @authorize(role="admin")
            async def all_of_them(self) -> AsyncIterator[str]: ...

    Several on one method have all to be met, and those of the methods it overrides and of the hub's bases too. It stands above
    decorators of your own. On a class it is asked on every HTTP request to the hub, which is answered with 401 or 403; on a
    method on every call, which fails with `because user is unauthorized`.

    Args:
        target: What is decorated, where there are no arguments.
        role: A role, or several of which the user has one.
        policy: Says of a `User` whether that one may, plain or async; an error in it fails the call, or the request.

    Raises:
        TypeError: It stands on something else than a class or a method, or the policy is no function.
        ValueError: A role is empty, or a list of them.
    """
    if isinstance(target, str):
        raise TypeError(f"@authorize stands on a hub class or a method; a role is @authorize(role={target!r})")
    if target is not None:
        if isinstance(target, FunctionType) and next(iter(inspect.signature(target).parameters), None) != "self":
            raise TypeError(
                f"@authorize stands on a hub class or a method, whose first parameter is 'self', not on {target!r}; "
                "a function of the user is @authorize(policy=...)"
            )
        return Requirement(frozenset(), None)(target)
    if isinstance(policy, staticmethod):
        policy = cast(Policy, policy.__func__)
    if policy is not None and not callable(policy):
        raise TypeError(f"policy is a function of the user, not {policy!r}")
    roles = (role,) if isinstance(role, str) else tuple(role or ())
    if (role is not None and not roles) or any(not it or "," in it for it in roles):
        raise ValueError(
            f"role is a name, or a list of names of which the user has one, such as ['a', 'b'], not {role!r}"
        )
    return Requirement(frozenset(roles), policy)


class Guard:
    """All that is required for one thing."""

    __slots__ = ("_roles", "later", "now")

    def __init__(self, requirements: Collection[Requirement]) -> None:
        self._roles = tuple(it.roles for it in requirements if it.roles)
        policies = [it.policy for it in requirements if it.policy is not None]
        self.now = tuple(it for it in policies if not _awaited(it))
        """The policies that `check` asks: code of the user's, run where it is called."""
        self.later = cast("tuple[Callable[[User], Awaitable[bool]], ...]", tuple(it for it in policies if _awaited(it)))
        """The policies that are awaited; `wait` asks them."""

    def check(self, user: User | None) -> None:
        """Ask for all that can be told at once.

        Raises:
            Unauthorized: The user may not.
        """
        if user is None:
            raise Unauthorized
        for roles in self._roles:
            if roles.isdisjoint(user.roles):
                raise Unauthorized
        for policy in self.now:
            may = policy(user)
            if inspect.isawaitable(may):
                if inspect.iscoroutine(may):
                    may.close()
                raise TypeError(f"the policy {policy!r} gives an awaitable; write it as 'async def'")
            if not may:
                raise Unauthorized

    async def wait(self, user: User | None) -> None:
        """Ask for the rest, after `check`.

        Raises:
            Unauthorized: The user may not.
        """
        for policy in self.later:
            if user is None or not await policy(user):
                raise Unauthorized


def guard_of(hub: type[Any], function: Callable[..., Any] | None = None) -> Guard | None:
    """What is required for a hub class, or for one of its methods; None if nothing is.

    Args:
        hub: The class; what its bases require counts too.
        function: The method, as the class has it; what the methods that it overrides require counts too.
    """
    if function is None:
        found = [mark for cls in hub.__mro__ for mark in _marks(cls)]
    else:
        names = {name for cls in hub.__mro__ for name, value in vars(cls).items() if value is function}
        definitions = {id(it): it for cls in hub.__mro__ for name in names if (it := vars(cls).get(name)) is not None}
        found = [mark for definition in definitions.values() for mark in _marks(definition)]
    return Guard(found) if found else None


def _marks(target: Any) -> tuple[Requirement, ...]:
    """Its own: a class has its bases' too, but not in its dict."""
    marks: tuple[Requirement, ...] = getattr(target, "__dict__", {}).get(MARK, ())
    return marks


def _awaited(policy: Policy) -> bool:
    function: Any = policy
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - which kind, not whether
