"""The tutorials: their commands as a newcomer types them, on a real server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.server.serving import environment, launch, open_place, serving
from tests.test_readme import BINARIES, blocks

ROOT = Path(__file__).parent.parent
PAGE = "docs/tutorials/first-custom-job.md"
PATIENCE = 300.0


def test_the_first_custom_job_runs_is_broken_and_is_followed_by_a_real_one() -> None:
    with open_place() as place:
        shutil.copytree(ROOT / "examples", place / "examples")
        data_dir = place / "data"
        with serving(launch("--data-dir", data_dir, "--seed", "sample", "--limits", "scaled"), data_dir):
            done = subprocess.run(
                ["bash"],
                input="set -euo pipefail\n" + "".join(blocks(PAGE, "sh walk-through")),
                cwd=place,
                env=environment(PATH=os.pathsep.join([str(BINARIES), os.environ["PATH"]])),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    assert re.search(r"Z \d+ words in [2-9] tasks\n", shown)
    assert "SyntaxError: invalid syntax (count_words.py:" in shown
    assert "Job [count_words__c] cannot be started: its code cannot be used" in shown
    assert " bytes: 0 differ." in shown
    assert shown.rstrip().endswith("has ended: SUCCESS")
