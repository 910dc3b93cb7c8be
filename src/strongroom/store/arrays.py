"""Many values in one statement: arrays as a table, since ten thousand rows of parameters would be too many."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, TableValuedAlias, column, func, literal
from sqlalchemy.types import TypeEngine


def table(name: str, columns: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> TableValuedAlias:
    """A table of the given columns, each a type and its values; all have the same length."""
    arrays = (literal(list(values), ARRAY(kind)) for kind, values in columns.values())
    named = (column(key, kind) for key, (kind, _) in columns.items())
    return func.unnest(*arrays).table_valued(*named).render_derived(name=name)


def written(words: Iterable[str]) -> str:
    """Write words of our own as what stands between the brackets of ``IN``, for a statement that is planned once."""
    return ", ".join(f"'{word}'" for word in words)
