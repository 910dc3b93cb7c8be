"""Two servers behind a balancer and two workers, on hosts of their own: one Vault, whichever of them one meets."""

import signal

import httpx
from tests.machines.site import LONG, WEB, WORK, Site, wait_until
from tests.process.vault_client import ENDED, VaultClient


def test_both_servers_are_one_vault_and_both_workers_work(shared: Site, documents: dict[int, str]) -> None:
    with VaultClient.logged_in(shared.at("balancer")) as client:
        each = [client.at(shared.at(host)) for host in WEB]
        job_ids = [one.export(documents) for one in each]
        wait_until(lambda: all(shared.status(job_id) in ENDED for job_id in job_ids))
        first, second = each
        for job_id in job_ids:
            assert first.get(f"services/jobs/{job_id}").json()["data"]["status"] == "SUCCESS"
            for one in (second, first):
                again = one.http.get(f"{one.base}/services/jobs/{job_id}").json()
                assert again["errors"][0]["type"] == "API_LIMIT_EXCEEDED"
            assert first.exported(job_id) == second.exported(job_id) == documents
    slow = shared.start_slow(4, work1=1, work2=1)
    wait_until(lambda: shared.status(slow) in ENDED)
    assert set(shared.hosts_of(slow)) == set(WORK)


def test_a_worker_host_that_is_stopped_ends_what_can_end_and_hands_over_the_rest(shared: Site) -> None:
    try:
        job_id = _begun_on_work1(shared, 1)
        assert shared.workers["work1"].stop() == 0
        mine = [line for line in shared.log_of(job_id) if line.endswith("on work1")]
        begun, done = ({line.split()[1] for line in mine if what in line} for what in ("begun", "done"))
        assert begun == done
        wait_until(lambda: shared.status(job_id) in ENDED)
        assert shared.status(job_id) == "SUCCESS"
        hosts = dict(enumerate(shared.hosts_of(job_id), 1))
        assert {str(number) for number, host in hosts.items() if host == "work1"} == done

        shared.work("work1", drain_seconds=1)
        job_id = _begun_on_work1(shared, LONG)
        assert shared.workers["work1"].stop() == 0
        wait_until(lambda: shared.status(job_id) in ENDED)
        assert [shared.status(job_id), *shared.hosts_of(job_id)] == ["SUCCESS", *["work2"] * 6]
    finally:
        shared.work("work1")


def test_a_server_that_is_stopped_leaves_its_jobs_and_its_clients_to_the_other(
    shared: Site, documents: dict[int, str]
) -> None:
    with VaultClient.logged_in(shared.at("web1")) as client:
        slow = shared.start_slow(2, work1=2, work2=2)
        job_id = client.export(documents)
        try:
            assert shared.web["web1"].stop(signal.SIGTERM) == 0
            other = client.at(shared.at("balancer"))
            assert other.get(f"services/jobs/{slow}").json()["responseStatus"] == "SUCCESS"
            wait_until(lambda: {shared.status(slow), shared.status(job_id)} == {"SUCCESS"})
            assert other.exported(job_id) == documents
        finally:
            shared.serve("web1")
        assert client.http.get(f"{client.base}/objects/documents").status_code == httpx.codes.OK


def _begun_on_work1(shared: Site, seconds: float) -> int:
    job_id = shared.start_slow(6, work1=seconds, work2=0.2)
    wait_until(lambda: any(line.endswith("begun on work1") for line in shared.log_of(job_id)))
    return job_id
