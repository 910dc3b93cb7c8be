"""The versions of the API. Clients also test their session with this call."""

from typing import Any

from strongroom.api.call import Call
from strongroom.api.declaration import endpoint
from strongroom.api.versions import version_map


@endpoint("GET", "", session="optional")
@endpoint("GET", "", session="optional", versioned=False)
async def retrieve_api_versions(call: Call) -> dict[str, Any]:
    """Retrieve API Versions."""
    return {"values": version_map(call.origin)}
