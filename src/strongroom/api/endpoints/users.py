"""Users: the caller, one, all."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.binding import Id, Limit, Offset
from strongroom.api.call import Call
from strongroom.api.declaration import endpoint
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData
from strongroom.domain.page import Window
from strongroom.domain.user import User
from strongroom.services import users

_SORTS = {"id": False, "id asc": False, "id desc": True}
_POLICY_ID = 1
_DOMAIN_ID = 1


@dataclass(frozen=True)
class Shown:
    """What is shown of a user beside the fields."""

    exclude_vault_membership: bool = True
    exclude_app_licensing: bool = True


@dataclass(frozen=True)
class OneUser(Shown):
    """The user that is asked for."""

    id: Id = 0


@dataclass(frozen=True)
class UserList(Shown):
    """Which users are asked for. This server has one Vault, so ``vaults`` changes nothing."""

    limit: Limit = 200
    start: Offset = 0
    sort: str = "id asc"


@endpoint("GET", "/objects/users/me")
async def validate_session_user(call: Call, asked: Shown) -> dict[str, Any]:
    """Validate Session User."""
    return {"users": [_written(call, call.vault.user, asked)]}


@endpoint("GET", "/objects/users/{id}")
async def retrieve_user(call: Call, asked: OneUser) -> dict[str, Any]:
    """Retrieve User."""
    return {"users": [_written(call, await users.retrieve(call.vault, asked.id), asked)]}


@endpoint("GET", "/objects/users")
async def retrieve_all_users(call: Call, asked: UserList) -> dict[str, Any]:
    """Retrieve All Users."""
    if (descending := _SORTS.get(asked.sort.lower())) is None:
        raise InvalidData(f"Invalid value [{asked.sort}] specified for parameter [sort]: use id asc or id desc.")
    page = await users.list_users(call.vault, Window(asked.limit, asked.start), descending=descending)
    found = [_written(call, user, asked) for user in page.rows]
    return {"size": len(found), "start": asked.start, "limit": asked.limit, "sort": asked.sort, "users": found}


def _written(call: Call, user: User, shown: Shown) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "user_name__v": user.name,
        "user_first_name__v": user.first_name,
        "user_last_name__v": user.last_name,
        "user_email__v": user.email,
        "user_timezone__v": user.timezone,
        "user_locale__v": user.locale,
        "is_domain_admin__v": False,
        "active__v": user.active,
        "domain_active__v": user.active,
        "security_policy_id__v": _POLICY_ID,
        "user_needs_to_change_password__v": False,
        "id": user.id,
        "created_date__v": user.created_date and written(user.created_date),
        "created_by__v": user.created_by,
        "modified_date__v": user.modified_date and written(user.modified_date),
        "modified_by__v": user.modified_by,
        "domain_id__v": _DOMAIN_ID,
        "domain_name__v": user.name.rpartition("@")[2],
        "vault_id__v": [call.vault.info.id],
        "last_login__v": user.last_login and written(user.last_login),
        "user_language__v": user.language,
        "group_id__v": [],
        "security_profile__v": user.security_profile,
        "license_type__v": user.license_type,
    }
    if not shown.exclude_vault_membership:
        keys["vault_membership"] = [_membership(call, user)]
    if not shown.exclude_app_licensing:
        keys["app_licensing"] = []
    return {"user": keys}


def _membership(call: Call, user: User) -> dict[str, Any]:
    return {
        "id": call.vault.info.id,
        "active__v": user.active,
        "security_profile__v": user.security_profile,
        "license_type__v": user.license_type,
    }
