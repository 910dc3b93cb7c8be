"""Renditions of a version that need not be the latest: added, listed, replaced, downloaded, deleted."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

DOCUMENTS = "/api/v26.1/objects/documents"
FIELDS = {"name__v": "Cleaning SOP", "type__v": "General", "lifecycle__v": "General Lifecycle"}
VIEWABLE = "viewable_rendition__v"


async def test_an_older_version_has_renditions_of_its_own(http: httpx.AsyncClient) -> None:
    made = (await http.post(DOCUMENTS, data=FIELDS, files={"file": ("a.docx", b"first")})).json()["id"]
    draft = {"createDraft": "uploadedContent"}
    await http.post(f"{DOCUMENTS}/{made}", data=draft, files={"file": ("a.docx", b"second")})

    added = await http.post(
        f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}", files={"file": ("a.pdf", b"%PDF 1")}
    )
    assert added.json() == {"responseStatus": "SUCCESS"}
    listed = (await http.get(f"{DOCUMENTS}/{made}/versions/0/1/renditions")).json()
    place = f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}"
    assert list(listed["renditions"]) == [VIEWABLE]
    assert listed["renditions"][VIEWABLE].endswith(place)
    assert (await http.get(f"{DOCUMENTS}/{made}/renditions")).json()["renditions"] == {}

    await http.put(f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}", files={"file": ("a.pdf", b"%PDF 2")})
    assert (await http.get(f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}")).content == b"%PDF 2"

    gone = await http.delete(f"{DOCUMENTS}/{made}/versions/0/1/renditions/{VIEWABLE}")
    assert gone.json() == {"responseStatus": "SUCCESS"}
    assert (await http.get(f"{DOCUMENTS}/{made}/versions/0/1/renditions")).json()["renditions"] == {}
