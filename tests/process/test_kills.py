"""What is answered with SUCCESS survives ``kill -9``: a job ends once and whole."""

import random
import signal
import time

import psutil
import pytest
from tests.process.vault_client import VaultClient
from tests.server.serving import Running, Starting

SEED = 20_261_124
DOCUMENTS = 500


def kill(server: Running, *roles: str) -> None:
    for role in roles:
        for victim in server.children(role) if role != "postgres" else server.postmasters():
            try:
                victim.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:  # its successor is on its way
                continue


@pytest.mark.parametrize("victims", [("_worker",), ("_web",), ("_worker", "_web"), ("postgres",)])
def test_an_export_of_500_documents_ends_once_and_whole_though_its_processes_are_killed(
    start: Starting, victims: tuple[str, ...]
) -> None:
    server = start("--limits", "off", "--web", "2")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(DOCUMENTS, different=20)
        moments = random.Random(f"{SEED}{victims}")
        jobs = []
        for _ in range(2):
            jobs.append(client.export(documents))
            time.sleep(moments.uniform(0, 0.15))
            kill(server, *victims)
            assert client.wait_for(jobs[-1])["status"] == "SUCCESS"
        for job_id in jobs:
            assert client.exported(job_id) == documents
            log = client.get(f"services/jobs/{job_id}/log").text
            assert log.count("Completed export documents job") == 1
        ended = client.get("services/jobs/histories?limit=200").json()
        assert sorted(job["job_id"] for job in ended["jobs"]) == [int(job_id) for job_id in jobs]
        assert client.get("services/jobs/monitors").json()["jobs"] == []
    assert server.stop() == 0


def test_a_job_that_waits_is_done_after_the_whole_server_was_killed(start: Starting) -> None:
    server = start("--limits", "off")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(200, different=5)
        job_id = client.export(documents)
    family = server.family()
    server.process.kill()
    server.process.wait()
    assert not psutil.wait_procs(family, timeout=20)[1]
    again = start("--limits", "off", data_dir=server.data_dir)
    with VaultClient.logged_in(again) as client:
        assert client.wait_for(job_id)["status"] == "SUCCESS"
        assert client.exported(job_id) == documents


def test_a_stop_in_the_middle_of_an_export_hands_it_to_the_next_start(start: Starting) -> None:
    server = start("--limits", "off")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(DOCUMENTS, different=5)
        job_ids = [client.export(documents) for _ in range(5)]
    assert server.stop() == 0
    again = start("--limits", "off", data_dir=server.data_dir)
    with VaultClient.logged_in(again) as client:
        assert [client.wait_for(job_id)["status"] for job_id in job_ids] == ["SUCCESS"] * 5
        assert client.exported(job_ids[-1]) == documents
