"""What the processes of a server load: nothing that they have no use for, and nothing of the folder that one is in."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.serving import environment, serving

NOBODY = {"alembic", "cryptography", "httpx", "trustme", "typer"}
ROLES = {
    "_web": {*NOBODY, "strongroom.engine"},
    "_worker": {*NOBODY, "starlette", "uvicorn", "strongroom.api"},
}


@pytest.mark.parametrize(("role", "libraries"), ROLES.items())
def test_a_child_does_not_load(role: str, libraries: set[str]) -> None:
    loading = "import sys; from strongroom import __main__; __main__._CHILDREN[sys.argv[1]](); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loading, role], stdout=subprocess.PIPE, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "strongroom.main.preparation" in loaded
    assert loaded & libraries == set()


def test_files_of_the_folder_in_which_it_is_started_are_not_taken_for_modules(place: Path) -> None:
    for name in ("xml", "queue", "strongroom"):
        (place / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the folder was loaded')\n")
    command, pipe = Path(sys.executable).with_name("strongroom"), subprocess.PIPE
    arguments = ["serve", "--port", "0", "--data-dir", str(place / "data")]
    process = subprocess.Popen([command, *arguments], stdout=pipe, stderr=pipe, text=True, cwd=place, env=environment())
    with serving(process, place / "data") as server:
        assert server.get("/api/")[0] == 200
