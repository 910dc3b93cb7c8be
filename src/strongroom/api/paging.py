"""The paging of lists, as each family of calls has it."""

from typing import Any
from urllib.parse import urlencode

from strongroom.api.call import Call
from strongroom.domain.page import Page


def by_offset(call: Call, path: str, page: Page[Any], filters: dict[str, str | None]) -> dict[str, Any]:
    """Make ``url`` and ``responseDetails`` of a list of jobs: relative URLs that keep the filters."""
    limit, offset = page.window.limit, page.window.offset

    def url(at: int) -> str:
        kept = {name: value for name, value in filters.items() if value is not None}
        return f"{call.path(path)}?{urlencode({**kept, 'limit': limit, 'offset': at})}"

    details: dict[str, Any] = {"total": page.total, "limit": limit, "offset": offset}
    if offset + limit < page.total:
        details["next_page"] = url(offset + limit)
    if offset > 0:
        details["previous_page"] = url(max(offset - limit, 0))
    return {"url": url(offset), "responseDetails": details}
