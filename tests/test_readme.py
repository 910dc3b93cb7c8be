"""The walk-through of the README, typed as a new user would."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.server.serving import launch, open_place, serving

README = Path(__file__).parent.parent / "README.md"


def test_the_walk_through_leads_to_the_same_bytes() -> None:
    steps = re.findall(r"```sh walk-through\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(steps) == 3
    with (
        open_place() as place,
        serving(launch("--data-dir", place / "data", "--seed", "sample"), place / "data") as server,
    ):
        port = server.url.rpartition(":")[2]
        script = "set -euo pipefail\n" + "".join(steps).replace(":8443/", f":{port}/")
        binaries = place / ".venv" / "bin"
        binaries.mkdir(parents=True)
        (binaries / "strongroom").symlink_to(Path(sys.executable).parent / "strongroom")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=place,
            capture_output=True,
            text=True,
            env=dict(os.environ),
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert '"status": "SUCCESS"' in done.stdout
        assert done.stdout.endswith("the same, byte for byte\n")
