"""Carries out a plan: jobs are started, processes killed, and every job is followed to its end and compared."""

import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.process.crashes import audit
from tests.process.crashes.books import Books, Exporting, Upload
from tests.process.crashes.plan import ENDING, Round, Scene
from tests.process.crashes.site import Site, built
from tests.process.vault_client import ENDED, EXPORT, FIELDS, PATIENCE, VaultClient, as_rows

DOCUMENTS = 240
JOB = 200
"""Documents in a job; each job takes others of all there are."""
UPLOAD = 300_000  # bytes


@dataclass(frozen=True)
class Times:
    """How long things take here when nobody is killed, in seconds: two jobs, one starting call, one upload."""

    jobs: float
    call: float
    upload: float


@dataclass
class Campaign:
    """A campaign under way: the moment and the round of the last kill, and how long after it the last job ended."""

    site: Site
    client: VaultClient
    documents: dict[int, str]
    books: Books = field(default_factory=Books)
    last_kill: tuple[float, Round] | None = None
    last_end: float = 0.0
    begun: int = 0

    def export(self, number: int) -> Exporting:
        """Start a job of 200 documents, without minding whether an answer comes."""
        ids = sorted(self.documents)
        self.begun += 1
        chosen = [ids[(self.begun + n) % len(ids)] for n in range(JOB)]
        reply = self.client.ask(EXPORT, json=as_rows(chosen))
        job_id = None if reply is None else int(reply["job_id"])
        made = Exporting(number, {each: self.documents[each] for each in chosen}, job_id)
        self.books.exports.append(made)
        return made

    def upload(self, number: int) -> Upload:
        """Create a document, without minding whether an answer comes."""
        self.begun += 1
        name = f"Upload {number}-{self.begun}"
        data = hashlib.sha256(name.encode()).digest() * (UPLOAD // 32)
        form = FIELDS | {"name__v": name}
        reply = self.client.ask("objects/documents", data=form, files={"file": ("upload.bin", data)})
        made = Upload(number, name, hashlib.sha256(data).hexdigest(), None if reply is None else reply["id"])
        self.books.uploads.append(made)
        return made


def run(rounds: Iterable[Round], tell: Callable[[str], Any], minutes: float = 1e6) -> Books:
    """Carry out the rounds on a server of their own, in so many minutes at most; each is told before it begins."""
    deadline = time.monotonic() + minutes * 60
    with built() as site, VaultClient.logged_in(site.server) as client:
        campaign = Campaign(site, client, client.fill(DOCUMENTS, different=24))
        times = _measure(campaign)
        tell(f"undisturbed: two jobs {times.jobs:.3f} s, a call {times.call:.3f} s, an upload {times.upload:.3f} s")
        for what in rounds:
            if time.monotonic() > deadline:
                break
            tell(what.told())
            _round(campaign, times, what)
            if what.settled:
                tell(f"  all ended {campaign.last_end:.1f} s after the kill")
            _tell_faults(campaign.books, tell)
        _settle(campaign)
        audit.all_jobs(campaign.client, campaign.books)
        audit.all_documents(campaign.client, campaign.books)
        audit.database(site.data_dir, campaign.books)
        audit.end(site, campaign.books)
        _tell_faults(campaign.books, tell)
    return campaign.books


def _tell_faults(books: Books, tell: Callable[[str], Any]) -> None:
    for fault in books.faults:
        tell(f"WRONG: {fault}")
    books.faults.clear()


def _measure(campaign: Campaign) -> Times:
    """The shortest of several, since the first is slower than any other, and others may use this machine."""
    found = []
    for _ in range(4):
        began = time.monotonic()
        campaign.upload(0)
        uploaded = time.monotonic()
        campaign.export(0)
        called = time.monotonic()
        campaign.export(0)
        while not all(_ended(campaign, each) for each in campaign.books.open):
            time.sleep(0.005)
        found.append(Times(time.monotonic() - called, called - uploaded, uploaded - began))
        for each in campaign.books.open:
            each.open = False  # its files are not compared one by one: that is for jobs that were disturbed
    return Times(min(t.jobs for t in found), min(t.call for t in found), min(t.upload for t in found))


def _round(campaign: Campaign, times: Times, what: Round) -> None:
    campaign.last_end = 0.0
    for _ in range(what.jobs):
        _until_answered(campaign, what.number)
    match what.scene:
        case Scene.ANSWERED:
            killed = _kill_after(campaign, what, times.jobs)
        case Scene.CALL:
            killed = _kill_during(campaign, what, campaign.export, times.call)
        case Scene.CREATION:
            killed = _kill_during(campaign, what, campaign.upload, times.upload)
    campaign.last_kill = (killed, what)
    further = 0
    if what.victim in ENDING:
        further = campaign.site.restart(what)
        campaign.client = campaign.client.at(campaign.site.server)
    campaign.books.killed(what, further)
    if what.settled:
        _settle(campaign)


def _until_answered(campaign: Campaign, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while campaign.export(number).job_id is None:
        assert time.monotonic() < deadline, "no job can be started any more"
        time.sleep(0.05)


def _kill_after(campaign: Campaign, what: Round, takes: float) -> float:
    began = time.monotonic()
    victims = campaign.site.aim(what)
    time.sleep(max(0.0, began + what.moment * takes - time.monotonic()))
    if campaign.last_kill is None or campaign.last_kill[1].settled:
        active = campaign.client.get("services/jobs/monitors?limit=200").json()["jobs"]
        known = {job["job_id"]: job["status"] for job in active}
        campaign.books.statuses.update(known.get(each.job_id, "ended") for each in campaign.books.open)
    return campaign.site.kill(what, victims)


def _kill_during(campaign: Campaign, what: Round, call: Callable[[int], object], takes: float) -> float:
    victims = campaign.site.aim(what)
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call, what.number)
        time.sleep(what.moment * takes)
        killed = campaign.site.kill(what, victims)
        calling.result(PATIENCE)
    return killed


def _settle(campaign: Campaign) -> None:
    """Wait for every job that was answered for, and compare what it made."""
    ended = []
    deadline = time.monotonic() + PATIENCE
    while campaign.books.open:
        for each in campaign.books.open:
            if _ended(campaign, each):
                each.open = False
                ended.append(each)
                _note_time(campaign)
            elif time.monotonic() > deadline:
                each.open = False
                audit.lost(campaign.client, campaign.books, each)
        time.sleep(0.05)
    for each in ended:
        audit.job(campaign.client, campaign.books, each)
    for made in campaign.books.uploads:
        if made.document_id is not None and campaign.last_kill and made.round == campaign.last_kill[1].number:
            audit.document(campaign.client, campaign.books, made, made.document_id)


def _note_time(campaign: Campaign) -> None:
    if campaign.last_kill is not None:
        moment, what = campaign.last_kill
        campaign.last_end = time.monotonic() - moment
        row = campaign.books.row(what.victim)
        row.longest = max(row.longest, campaign.last_end)


def _ended(campaign: Campaign, each: Exporting) -> bool:
    reply = campaign.client.get(f"services/jobs/{each.job_id}").json()
    return "data" not in reply or reply["data"]["status"] in ENDED
