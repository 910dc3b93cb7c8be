"""What is answered with SUCCESS survives ``kill -9`` of any process at any moment: a job ends once and whole."""

import pytest
from tests.process.crashes import campaign
from tests.process.crashes.plan import Victim, drawn
from tests.process.vault_client import VaultClient
from tests.server.serving import Starting

KILLS = 10
SEEDS = (61, 185)
"""Together these two kill everybody who can be killed."""


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_kills_at_random_moments_lose_nothing_and_repeat_nothing(seed: int) -> None:
    told: list[str] = []
    books = campaign.run(drawn(seed, KILLS), told.append)
    again = f"make crash SEED={seed} KILLS={KILLS}"
    assert not books.wrong, "\n".join([again, *told])
    assert sum(row.kills for row in books.rows.values()) >= KILLS


def test_the_kills_of_the_tests_leave_nobody_out() -> None:
    rounds = [what for seed in SEEDS for what in drawn(seed, KILLS)]
    assert {what.victim for what in rounds} == set(Victim) - {Victim.STARTING}
    assert any(what.broken_start is not None for what in rounds)


def test_a_plan_depends_on_its_seed_alone() -> None:
    assert drawn(1, 50) == drawn(1, 50)
    assert drawn(1, 50) != drawn(2, 50)
    assert drawn(1, 5, first=20) == drawn(1, 50)[19:][:5]


def test_a_stop_in_the_middle_of_exports_hands_them_to_the_next_start(start: Starting) -> None:
    server = start("--limits", "off")
    with VaultClient.logged_in(server) as client:
        documents = client.fill(500, different=5)
        job_ids = [client.export(documents) for _ in range(5)]
    assert server.stop() == 0
    again = start("--limits", "off", data_dir=server.data_dir)
    with VaultClient.logged_in(again) as client:
        assert [client.wait_for(job_id)["status"] for job_id in job_ids] == ["SUCCESS"] * 5
        assert client.exported(job_ids[-1]) == documents
