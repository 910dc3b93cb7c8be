"""How an endpoint declares itself: a decorator that only attaches data, and what the router makes of it."""

import inspect
import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from strongroom.api.versions import OLDEST

GIGABYTE = 1024**3
FILE_LIMIT = 4 * GIGABYTE

Method = Literal["GET", "POST", "PUT", "DELETE"]
Session = Literal["required", "optional", "none"]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True)
class Body:
    """What a call takes as its body. Whatever it says, forms, multipart, JSON objects and no body are all understood.

    ``rows``: an array (JSON) or a table (CSV). ``file_limit``: the most bytes of a multipart part ``file``, 0 for none.
    """

    rows: bool = False
    file_limit: int = 0


FORM = Body()
ROWS = Body(rows=True)
FILE = Body(file_limit=FILE_LIMIT)
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Declaration:
    """One call of the API. ``path`` is below ``/api/{version}``, or below ``/api`` if ``versioned`` is false.

    A segment ``{name}`` takes any one segment, a last ``{name:rest}`` all that follow. ``since`` is the first version
    that has the call. ``root`` names the XML root, ``csv`` says that the reply may be a table, ``media`` is the content
    type of a reply that is no envelope. ``extension``: Vault has no such call. ``starts_job``: the headers of
    ``webhook_headers`` say who is told of the job.
    """

    method: Method
    path: str
    body: Body | None = None
    session: Session = "required"
    since: str = OLDEST
    versioned: bool = True
    root: str = "ApiRestResult"
    csv: bool = False
    media: str | None = None
    extension: bool = False
    starts_job: bool = False


@dataclass(frozen=True)
class Taken:
    """What a call takes, for its description, where the handler binds it itself.

    ``rows`` names the field of ``input`` that the rows of the body go to, ``hidden`` are fields that the call has not.
    """

    input: type[Any]
    rows: str | None
    hidden: frozenset[str]


@dataclass(frozen=True)
class Endpoint:
    """A declared call with the function that answers it, and the type of its input (None: it takes none)."""

    declaration: Declaration
    handler: Callable[..., Awaitable[Any]]
    input: type[Any] | None
    summary: str
    section: str
    taken: Taken | None = None


def endpoint(method: Method, path: str, **how: Any) -> Callable[[Handler], Handler]:
    """Declare a function as the handler of a call; ``how`` is the rest of ``Declaration``. May be given repeatedly.

    The function takes the ``Call`` and, if it has a second parameter, the input of that parameter's type.
    """
    declaration = Declaration(method, path, **how)

    def attach(handler: Handler) -> Handler:
        handler.declarations = (declaration, *getattr(handler, "declarations", ()))  # type: ignore[attr-defined]
        return handler

    return attach


def declared_in(module: types.ModuleType) -> list[Endpoint]:
    """Every call that the functions of a module declare."""
    found = []
    for function in vars(module).values():
        if inspect.isfunction(function) and function.__module__ == module.__name__:
            for declaration in getattr(function, "declarations", ()):
                summary = (inspect.getdoc(function) or function.__name__).splitlines()[0].rstrip(".")
                section = module.__name__.rpartition(".")[2]
                found.append(Endpoint(declaration, function, _input_of(function), summary, section))
    return found


def _input_of(function: Callable[..., Any]) -> type[Any] | None:
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters)
    return hints[parameters[1]] if len(parameters) > 1 else None
