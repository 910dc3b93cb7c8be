"""The calls of the API, one module per section; ``load`` finds them."""

import importlib
import pkgutil

from strongroom.api.declaration import Endpoint, declared_in


def load() -> list[Endpoint]:
    """Find every declared call in this package."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [endpoint for module in modules for endpoint in declared_in(module)]
