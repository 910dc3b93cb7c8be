"""``strongroom trust``, as it is typed."""

import os
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest


def trust(*options: object, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
    command = [sys.executable, "-m", "strongroom", "trust", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_the_path_before_any_server_ran(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    printed = trust("--path", "--data-dir", data_dir)
    assert printed == f"{data_dir}/tls/ca.pem\n"
    assert ssl.create_default_context(cafile=printed.strip()).get_ca_certs()
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    first = Path(trust("--path", "--data-dir", tmp_path).strip()).read_bytes()
    assert Path(trust("--path", "--data-dir", tmp_path).strip()).read_bytes() == first


@pytest.mark.parametrize("client", ["curl --cacert", "REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE=", "NODE_EXTRA_CA_CERTS="])
def test_what_to_set_for_each_client(tmp_path: Path, client: str) -> None:
    shown = trust("--data-dir", tmp_path)
    assert f"{client}" in shown
    assert f"{tmp_path}/tls/ca.pem" in shown
    assert "keytool" in shown
    assert "update-ca-certificates" in shown


def test_a_path_with_a_space_can_be_pasted(tmp_path: Path) -> None:
    assert f"--cacert '{tmp_path}/my data/tls/ca.pem'" in trust("--data-dir", tmp_path / "my data")


def test_export(tmp_path: Path) -> None:
    shown = trust("--data-dir", tmp_path / "data", "--export", tmp_path / "out")
    assert str(tmp_path / "out" / "ca.pem") in shown
    assert (tmp_path / "out" / "ca.pem").read_bytes() == (tmp_path / "data" / "tls" / "ca.pem").read_bytes()
    assert (tmp_path / "out" / "ca.p12").stat().st_size > 0


def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in trust("--path", "--data-dir", tmp_path / "file", code=1)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    sentence = trust("--path", "--data-dir", tmp_path, code=2)
    assert "holds other things, such as letter.txt" in sentence
    assert sentence.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]
