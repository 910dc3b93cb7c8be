"""The errors that a Vault answers with: one class per error type of the API.

Services raise them with a sentence that names the offending value and says what to do. Only the faces (HTTP, terminal)
turn them into something a person or a program reads.
"""

from typing import ClassVar


class VaultError(Exception):
    """A request that the Vault understood and refused. ``type`` is the API's name for the reason."""

    type: ClassVar[str] = "UNEXPECTED_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidData(VaultError):
    """A value is wrong, or names something that does not exist."""

    type = "INVALID_DATA"


class ParameterRequired(VaultError):
    """A required parameter is missing."""

    type = "PARAMETER_REQUIRED"

    @classmethod
    def of(cls, field: str) -> "ParameterRequired":
        """Name the missing field in the wording that Vault uses."""
        return cls(f"Missing required parameter [{field}]")


class AttributeNotSupported(VaultError):
    """The resource has no such attribute."""

    type = "ATTRIBUTE_NOT_SUPPORTED"


class InvalidFilter(VaultError):
    """Retrieve Documents was given an unknown ``named_filter``."""

    type = "INVALID_FILTER"


class InsufficientAccess(VaultError):
    """The user may not do this."""

    type = "INSUFFICIENT_ACCESS"


class OperationNotAllowed(VaultError):
    """A rule is not met: the thing is not in a state in which this can be done."""

    type = "OPERATION_NOT_ALLOWED"


class OperationInProgress(VaultError):
    """Another operation already runs on that item."""

    type = "OPERATION_IN_PROGRESS"


class ItemNameExists(VaultError):
    """A file staging item of that path exists already."""

    type = "ITEM_NAME_EXISTS"


class ExceedsFileMaxSize(VaultError):
    """An upload is larger than the call allows."""

    type = "EXCEEDS_FILE_MAX_SIZE"


class StorageFull(VaultError):
    """A disk of the server is full. No fault of the request: the same one succeeds once there is space."""

    type = "UNEXPECTED_ERROR"

    def __init__(
        self, message: str = "A disk of the server is full: nothing was kept. Ask again once it has space."
    ) -> None:
        super().__init__(message)


class RaceCondition(VaultError):
    """Another request changed the same thing at the same time."""

    type = "RACE_CONDITION"


class ApiLimitExceeded(VaultError):
    """Too many requests of one kind in too short a time."""

    type = "API_LIMIT_EXCEEDED"


class InvalidSessionId(VaultError):
    """No session, or one that is unknown, ended or expired."""

    type = "INVALID_SESSION_ID"

    def __init__(self, message: str = "Invalid or expired session ID.") -> None:
        super().__init__(message)


class MalformedUrl(VaultError):
    """No resource has this path: the one error that is answered with HTTP 404."""

    type = "MALFORMED_URL"

    def __init__(self, message: str = "The specified resource cannot be found.") -> None:
        super().__init__(message)


class MethodNotSupported(VaultError):
    """The path exists, but not with this verb or not in this API version."""

    type = "METHOD_NOT_SUPPORTED"


class AuthenticationFailed(VaultError):
    """A login that failed; every subclass is answered with ``errorType: AUTHENTICATION_FAILED``."""

    type = "USERNAME_OR_PASSWORD_INCORRECT"


class NoPasswordProvided(AuthenticationFailed):
    """The password of a login call is missing or empty."""

    type = "NO_PASSWORD_PROVIDED"

    def __init__(self, message: str = "No password was provided for the login call.") -> None:
        super().__init__(message)


class InactiveUser(AuthenticationFailed):
    """The user is inactive or unknown."""

    type = "INACTIVE_USER"


class UserLockedOut(AuthenticationFailed):
    """Too many failed logins."""

    type = "USER_LOCKED_OUT"


class PasswordChangeRequired(AuthenticationFailed):
    """The password is expired or an initial one."""

    type = "PASSWORD_CHANGE_REQUIRED"
