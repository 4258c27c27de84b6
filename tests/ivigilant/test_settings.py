"""Settings come from flags, variables and a file, and an odd one stops the start by name."""

from pathlib import Path

import pytest

from ivigilant.errors import UnusableSettings
from ivigilant.settings import Settings, as_environment, load_settings, without_settings

KEY = "k" * 40


def test_without_any_setting_the_database_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings({"IVIGILANT_DATA_DIR": str(tmp_path)})

    assert settings.database() == f"sqlite:///{tmp_path}/ivigilant.sqlite3"


def test_a_variable_wins_from_the_file_and_a_flag_wins_from_both(tmp_path: Path) -> None:
    config = tmp_path / "ivigilant.toml"
    config.write_text('mllp_port = 1001\nhttp_port = 1002\nmllp_host = "10.0.0.1"\n')

    environment = {"IVIGILANT_CONFIG": str(config), "IVIGILANT_MLLP_PORT": "2001", "IVIGILANT_HTTP_PORT": "2002"}
    settings = load_settings(environment, flags={"http_port": 3002, "data_dir": None})

    assert (settings.mllp_host, settings.mllp_port, settings.http_port) == ("10.0.0.1", 2001, 3002)


def test_a_secret_is_read_from_the_file_that_its_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")

    settings = load_settings({"IVIGILANT_SECRET_KEY_FILE": str(secret)})

    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == KEY


def test_the_plain_names_of_hosting_platforms_are_honoured_and_ours_win() -> None:
    plain = {"DATABASE_URL": "postgresql://plain/a", "REDIS_URL": "redis://plain/0"}

    settings = load_settings(plain | {"IVIGILANT_REDIS_URL": "redis://ours/0"})

    assert (settings.database(), settings.redis()) == ("postgresql://plain/a", "redis://ours/0")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"IVIGILANT_MLLP_PROT": "2575"}, "IVIGILANT_MLLP_PROT"),
        ({"IVIGILANT_MLLP_PORT": "many"}, "IVIGILANT_MLLP_PORT"),
        ({"IVIGILANT_MLLP_PORT": "65536"}, "IVIGILANT_MLLP_PORT"),
        ({"IVIGILANT_BASE_URL": "inbox.example"}, "IVIGILANT_BASE_URL"),
        ({"IVIGILANT_SECRET_KEY": "short"}, "IVIGILANT_SECRET_KEY"),
        ({"IVIGILANT_SECRET_KEY_FILE": "/nowhere/key"}, "IVIGILANT_SECRET_KEY_FILE"),
        ({"IVIGILANT_SECRET_KEY_FILE": "/nowhere/key", "IVIGILANT_SECRET_KEY": KEY}, "IVIGILANT_SECRET_KEY"),
        ({"IVIGILANT_LOG_LEVEL": "loud"}, "IVIGILANT_LOG_LEVEL"),
        ({"IVIGILANT_TRUSTED_PROXIES": "*"}, "IVIGILANT_TRUSTED_PROXIES"),
    ],
)
def test_an_odd_setting_is_named_in_one_line(environment: dict[str, str], named: str) -> None:
    with pytest.raises(UnusableSettings) as fault:
        load_settings(environment)

    assert named in str(fault.value)
    assert "\n" not in str(fault.value)


def test_the_value_of_an_odd_secret_is_not_repeated() -> None:
    with pytest.raises(UnusableSettings) as fault:
        load_settings({"IVIGILANT_SECRET_KEY": "hunter2"})

    assert "hunter2" not in str(fault.value)


def test_a_file_with_an_unknown_setting_stops_the_start(tmp_path: Path) -> None:
    config = tmp_path / "ivigilant.toml"
    config.write_text("mllp_prot = 1001\n")

    with pytest.raises(UnusableSettings, match="mllp_prot"):
        load_settings({}, config=config)


def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "ivigilant.toml"
    config.write_text("mllp_port = 1\nmllp_host =\n")

    with pytest.raises(UnusableSettings, match=r"ivigilant\.toml.*line 2"):
        load_settings({}, config=config)


def test_a_child_process_reads_the_same_settings_whatever_else_is_in_the_environment(tmp_path: Path) -> None:
    given = {"data_dir": tmp_path, "secret_key": KEY, "redis_url": "redis://here/0", "mllp_port": 7}
    settings = Settings.model_validate(given)
    around = {"IVIGILANT_MLLP_PORT": "9", "IVIGILANT_SECRET_KEY_FILE": "/x", "DATABASE_URL": "y", "PATH": "/bin"}

    environment = without_settings(around) | as_environment(settings)

    assert load_settings(environment) == settings
    assert environment["PATH"] == "/bin"


def test_a_command_finds_the_database_of_the_stack_on_its_data_folder(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text('database_url = "postgresql://stack/a"\nredis_url = "unix:///stack"\n')
    flags = {"data_dir": tmp_path}

    beside, alone = load_settings({}, flags=flags), load_settings({}, flags=flags, beside_stack=False)

    assert beside.database() == "postgresql://stack/a"
    assert alone.database().startswith("sqlite:///")


@pytest.mark.parametrize(
    ("host", "is_served"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_an_inbox_for_others_needs_the_address_at_which_they_reach_it(host: str, is_served: bool) -> None:
    settings = load_settings({"IVIGILANT_HTTP_HOST": host})
    told = load_settings({"IVIGILANT_HTTP_HOST": host, "IVIGILANT_BASE_URL": "https://inbox.example"})

    told.require_base_url()
    if is_served:
        settings.require_base_url()
    else:
        with pytest.raises(UnusableSettings, match="IVIGILANT_BASE_URL is missing"):
            settings.require_base_url()


def test_proxies_are_addresses_and_networks() -> None:
    settings = load_settings({"IVIGILANT_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16"})

    assert settings.proxies() == ["10.0.0.5", "10.1.0.0/16"]
