"""The envelope of every reply, success or not. No other module knows it."""

from typing import Any

from strongroom.domain.errors import AuthenticationFailed, MalformedUrl, StorageFull, VaultError

SUCCESS, FAILURE, EXCEPTION = "SUCCESS", "FAILURE", "EXCEPTION"
_NESTED = (dict, list, tuple)


def success(keys: dict[str, Any]) -> dict[str, Any]:
    """Wrap the keys of a reply; what is None in it is left out when it is written."""
    return {"responseStatus": SUCCESS, **keys}


def failure(error: VaultError, *, login: bool = False) -> dict[str, Any]:
    """Wrap an error that the Vault understood; ``login`` says that it was a login that failed, for whatever reason."""
    status = EXCEPTION if isinstance(error, StorageFull) else FAILURE
    body: dict[str, Any] = {"responseStatus": status, "errors": [_written(error)]}
    if login or isinstance(error, AuthenticationFailed):
        body["errorType"] = "AUTHENTICATION_FAILED"
    return body


def unexpected(reference: str) -> dict[str, Any]:
    """Wrap an error of the server: the client gets a reference to the log, never the cause."""
    message = f"An unexpected error occurred. The server's log has it under the reference [{reference}]."
    return {"responseStatus": EXCEPTION, "errors": [{"type": "UNEXPECTED_ERROR", "message": message}]}


def row(keys: dict[str, Any], error: VaultError | None = None) -> dict[str, Any]:
    """Wrap one row of a bulk reply."""
    if error is not None:
        return {"responseStatus": FAILURE, **without_nulls(keys), "errors": [_written(error)]}
    return {"responseStatus": SUCCESS, **without_nulls(keys)}


def status_code(error: VaultError) -> int:
    """Give the HTTP status of an error: 200 for all but an unknown path."""
    return 404 if isinstance(error, MalformedUrl) else 200


def without_nulls(value: Any) -> Any:
    """Leave out what is None: strict clients break on ``null``."""
    if isinstance(value, dict):
        return {
            key: without_nulls(each) if isinstance(each, _NESTED) else each
            for key, each in value.items()
            if each is not None
        }
    return [without_nulls(each) if isinstance(each, _NESTED) else each for each in value]


def _written(error: VaultError) -> dict[str, str]:
    return {"type": error.type, "message": error.message}
