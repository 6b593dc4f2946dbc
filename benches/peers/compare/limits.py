"""How many files, and so connections, a program may have open here."""

from __future__ import annotations

import resource

# More than any scenario needs.
ENOUGH = 60_000
# For a connection that waits, with one to a backend, and what a program has open for itself.
RESERVE = 500


def raise_files() -> None:
    """Lets this process, and all that it starts, have as many as it is allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if most == resource.RLIM_INFINITY else min(most, ENOUGH)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def values() -> dict[str, object]:
    """For the configurations."""
    return {"FILES": files(), "CONNECTIONS": files() - RESERVE}
