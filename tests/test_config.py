"""Settings: which source wins, and what is said about a bad value."""

from pathlib import Path

import pytest

from strongroom import config
from strongroom.config import CannotRun, from_orders, load, to_orders


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATA_DIR", "PORT", "DNS", "TLS", "LIMITS", "ADMIN_PASSWORD", "DATABASE_URL"):
        monkeypatch.delenv(f"{config.PREFIX}{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    settings = load({})
    assert settings.port == 8443
    assert settings.host == "127.0.0.1"
    assert settings.tls
    assert settings.data_dir.name == "strongroom-data"


def test_command_line_before_environment_before_file_before_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.toml"
    file.write_text('port = 1001\nslots = 7\nlimits = "off"\ndns = ["a.test"]\n')
    monkeypatch.setenv("STRONGROOM_PORT", "1002")
    monkeypatch.setenv("STRONGROOM_LIMITS", "scaled")
    settings = load({"port": "1003"}, file)
    assert (settings.port, settings.limits, settings.slots, settings.web) == (1003, "scaled", 7, 1)
    assert settings.dns == ("a.test",)


def test_the_file_in_the_data_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_DATA_DIR", str(tmp_path))
    (tmp_path / "strongroom.toml").write_text("port = 1001")
    assert load({}).port == 1001
    (tmp_path / "strongroom.toml").write_text("data_dir = '/elsewhere'")
    with pytest.raises(CannotRun, match="cannot set data_dir"):
        load({})


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_PORT", "")
    assert load({}).port == 8443


@pytest.mark.parametrize("written", ["a.test,10.0.0.1", "a.test 10.0.0.1", "a.test, 10.0.0.1"])
def test_names_in_the_environment(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("STRONGROOM_DNS", written)
    assert load({}).dns == ("a.test", "10.0.0.1")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", "x", "--port x cannot be used: it must be a whole number."),
        ("port", "65536", "--port 65536 cannot be used: it must be 65535 or less."),
        ("limits", "none", "--limits none cannot be used: it must be 'exact', 'scaled' or 'off'."),
        ("seed", "/no/such", "--seed /no/such cannot be used: it must be a file that exists, or the word sample."),
        ("vault_timezone", "Mars", "--vault-timezone Mars cannot be used: it must be a time zone such as"),
        ("drain_seconds", "-1", "--drain-seconds -1 cannot be used: it must be 0 or more."),
    ],
)
def test_a_bad_value_is_named_with_its_option(name: str, value: str, reason: str) -> None:
    with pytest.raises(CannotRun) as refused:
        load({name: value})
    assert refused.value.sentence.startswith(reason)
    assert refused.value.code == 2


def test_a_bad_value_is_named_with_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").write_text("port = 'x'")
    with pytest.raises(CannotRun, match=r"port in .*my\.toml x cannot be used"):
        load({}, tmp_path / "my.toml")
    monkeypatch.setenv("STRONGROOM_PORT", "y")
    with pytest.raises(CannotRun, match="STRONGROOM_PORT y cannot be used"):
        load({}, tmp_path / "my.toml")


@pytest.mark.parametrize(
    ("content", "said"), [("prot = 1", "prot in .* is not a setting"), ("port =", "is not a TOML file")]
)
def test_a_bad_file(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "my.toml").write_text(content)
    with pytest.raises(CannotRun, match=said):
        load({}, tmp_path / "my.toml")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="does not exist"):
        load({}, tmp_path / "my.toml")


@pytest.mark.parametrize("name", ["https://a.test", "a.test:8443", "a_b", "", "-a", "a" * 40 + "."])
def test_a_bad_host_name(name: str) -> None:
    with pytest.raises(CannotRun, match="host name"):
        load({"dns": [name]})


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotRun) as refused:
        load({"database_url": "mysql://me:secret@host/x"})
    assert "secret" not in refused.value.sentence
    monkeypatch.setenv("STRONGROOM_ADMIN_PASSWORD", "secret")
    assert "secret" not in repr(load({}))


def test_ephemeral_does_not_go_with_a_database_that_stays() -> None:
    with pytest.raises(CannotRun, match="--ephemeral"):
        load({"ephemeral": True, "database_url": "postgresql://host/x"})


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "memory"),
        ({"web": "2"}, "database"),
        ({"database_url": "postgresql://host/x"}, "database"),
        ({"web": "2", "limit_counts": "memory"}, "memory"),
        ({"limit_counts": "database"}, "database"),
    ],
)
def test_limits_are_counted_in_memory_only_where_there_is_one_web_process(given: dict[str, str], where: str) -> None:
    assert load(given).counted_in == where


def test_children_get_the_same_settings_but_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_ADMIN_PASSWORD", "secret")
    settings = load({"port": "1003", "dns": ["a.test"], "seed": "sample"})
    monkeypatch.setenv("STRONGROOM_PORT", "1")
    assert from_orders(to_orders(settings, first_start=True)) == settings
    told = from_orders(to_orders(settings))
    assert (told.port, told.admin_password, told.seed) == (1003, None, None)
