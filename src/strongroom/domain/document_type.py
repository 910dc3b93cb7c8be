"""What documents can be: types in three levels, lifecycles with their states, and fields."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from strongroom.domain.errors import InvalidData, ParameterRequired

Level = Literal["type", "subtype", "classification"]

UNCLASSIFIED_TYPE = "undefined__v"
UNCLASSIFIED_LIFECYCLE = "unclassified__v"
_UNCLASSIFIED = {"unclassified", "undefined", UNCLASSIFIED_TYPE}


@dataclass(frozen=True)
class DocumentType:
    """A type, subtype or classification. Empty ``lifecycles`` and ``renditions``: those of its parent."""

    name: str
    label: str
    level: Level
    parent: str | None = None
    lifecycles: tuple[str, ...] = ()
    renditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A state of a lifecycle."""

    name: str
    label: str
    initial: bool = False
    steady: bool = False


@dataclass(frozen=True)
class Lifecycle:
    """The states that a document goes through."""

    name: str
    label: str
    states: tuple[State, ...]

    def state_of(self, minor: int) -> State:
        """The state of a version for which none is given: initial, or the first steady one if the minor number is 0."""
        steady = [state for state in self.states if state.steady]
        if minor == 0 and steady:
            return steady[0]
        return next(state for state in self.states if state.initial)


@dataclass(frozen=True)
class DocumentField:
    """A field of documents; ``values`` are the names and labels of a picklist."""

    name: str
    label: str
    type: str
    editable: bool = True
    required: bool = False
    repeating: bool = False
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Classified:
    """What a document is, by names."""

    type: str
    subtype: str | None
    classification: str | None
    lifecycle: str


@dataclass(frozen=True)
class DocumentCatalog:
    """All that documents of this Vault can be, by name."""

    types: dict[str, DocumentType]
    lifecycles: dict[str, Lifecycle]
    fields: dict[str, DocumentField]

    def classify(self, written: dict[str, str]) -> Classified:
        """Find type, subtype, classification and lifecycle as written, by name or label."""
        if written.get("type__v", "").lower() in _UNCLASSIFIED:
            return Classified(UNCLASSIFIED_TYPE, None, None, UNCLASSIFIED_LIFECYCLE)
        kind = self._type("type__v", "type", written.get("type__v"), None)
        if kind is None:
            raise ParameterRequired.of("type__v")
        subtype = self._type("subtype__v", "subtype", written.get("subtype__v"), kind)
        classification = self._type("classification__v", "classification", written.get("classification__v"), subtype)
        levels = (classification, subtype, kind)
        allowed = next((each.lifecycles for each in levels if each and each.lifecycles), ())
        lifecycle = self._lifecycle(written.get("lifecycle__v"), kind, allowed)
        return Classified(kind.name, _name(subtype), _name(classification), lifecycle.name)

    def state(self, lifecycle: str, written: str) -> State:
        """A state of a lifecycle, by name or label."""
        found = _named(self.lifecycles[lifecycle].states, written)
        if found is None:
            raise InvalidData(f"[status__v] has a value that the lifecycle [{lifecycle}] does not know: [{written}].")
        return found

    def renditions_of(self, kind: Classified) -> tuple[str, ...]:
        """The rendition types that a document may have."""
        names = (kind.classification, kind.subtype, kind.type)
        return next((self.types[name].renditions for name in names if name and self.types[name].renditions), ())

    def _type(self, field: str, level: Level, written: str | None, parent: DocumentType | None) -> DocumentType | None:
        if not written:
            return None
        below = parent.name if parent else None
        among = [each for each in self.types.values() if each.level == level and each.parent == below]
        found = _named(among, written)
        if found is None:
            where = f" below [{below}]" if below else ""
            raise InvalidData(f"[{field}] has a value that is unknown{where}: [{written}].")
        return found

    def _lifecycle(self, written: str | None, kind: DocumentType, allowed: tuple[str, ...]) -> Lifecycle:
        if not written:
            raise ParameterRequired.of("lifecycle__v")
        found = _named([self.lifecycles[name] for name in allowed if name in self.lifecycles], written)
        if found is None:
            raise InvalidData(f"[lifecycle__v] has a value that [{kind.name}] does not allow: [{written}].")
        return found


def _name(kind: DocumentType | None) -> str | None:
    return None if kind is None else kind.name


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _named(among: Iterable[_N], written: str) -> _N | None:
    """The one of this name, else of this label (case does not matter in a label)."""
    things = list(among)
    by_name = (each for each in things if each.name == written)
    by_label = (each for each in things if each.label.lower() == written.strip().lower())
    return next(by_name, None) or next(by_label, None)
