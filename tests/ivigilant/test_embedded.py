"""The embedded Redis keeps what it was told, answers at one socket, and is never shared by two stacks."""

import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from ivigilant.broker import Bell, make_celery
from ivigilant.embedded import DataFolder, EmbeddedRedis, prepare_redis, redis_executable
from ivigilant.errors import NotReady
from ivigilant.settings import Settings


def test_an_embedded_redis_evicts_nothing_and_keeps_its_queue_over_a_restart(folder: DataFolder) -> None:
    with running(prepare_redis(folder.redis)) as first, redis.Redis.from_url(first.url) as client:
        client.lpush("orders", "17")
        policy = client.config_get("maxmemory-policy")

    with running(prepare_redis(folder.redis)) as second, redis.Redis.from_url(second.url) as client:
        assert client.lrange("orders", 0, -1) == [b"17"]

    assert list(policy.values()) in (["noeviction"], [b"noeviction"])


def test_an_embedded_redis_does_nothing_that_the_queue_does_not_need(folder: DataFolder) -> None:
    with running(prepare_redis(folder.redis)) as part, redis.Redis.from_url(part.url) as client:
        for refused in (
            ["EVAL", "return 1", "0"],
            ["FUNCTION", "LIST"],
            ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
            ["FLUSHALL"],
            ["KEYS", "*"],
            ["MODULE", "LIST"],
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*refused)


def test_a_ring_reaches_the_socket_of_an_embedded_redis(folder: DataFolder) -> None:
    with running(prepare_redis(folder.redis)) as part, redis.Redis.from_url(part.url) as client:
        bell = Bell(make_celery(part.url))

        bell.must_process("orders", [1, 2])

        assert client.llen("orders") == 1
        assert not bell.is_crowded("orders")


def a_server(folder: Path, name: str, version: str) -> Path:
    """A program that says it is a server of this version."""
    folder.mkdir(exist_ok=True)
    server = folder / name
    server.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    server.chmod(0o755)
    return server


def test_a_server_that_is_installed_is_taken_before_the_one_brought_along(tmp_path: Path) -> None:
    valkey = a_server(tmp_path / "one", "valkey-server", "8.1.4")
    redis_too = a_server(tmp_path / "two", "redis-server", "7.0.15")

    assert redis_executable(str(valkey.parent)) == str(valkey)
    assert redis_executable(f"{valkey.parent}:{redis_too.parent}") == str(redis_too)


def test_a_server_too_old_for_an_access_list_is_passed_over(tmp_path: Path) -> None:
    old = a_server(tmp_path, "redis-server", "6.0.16")

    assert Path(redis_executable(str(old.parent))).name == "valkey-server"


def test_a_redis_that_outlived_its_stack_is_ended_before_the_next(folder: DataFolder) -> None:
    left_over = subprocess.Popen(prepare_redis(folder.redis).command)
    wait_for(EmbeddedRedis((), folder.redis / "redis.sock"))

    with running(prepare_redis(folder.redis)) as fresh:
        assert left_over.wait(timeout=60) == 0
        assert fresh.answers()


def test_a_data_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "srv").write_text("a file where a folder should be")

    with pytest.raises(NotReady, match=r"srv/ivigilant cannot be written .*--data-dir"):
        DataFolder(tmp_path / "srv" / "ivigilant").prepare()


def test_a_socket_nobody_listens_at_is_no_obstacle(folder: DataFolder) -> None:
    killed = subprocess.Popen(prepare_redis(folder.redis).command)
    wait_for(EmbeddedRedis((), folder.redis / "redis.sock"))
    killed.kill()
    killed.wait()

    with running(prepare_redis(folder.redis)) as fresh:
        assert fresh.answers()


def test_a_data_folder_with_a_long_path_works_as_well(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / ("long" * 30))
    folder.prepare()

    with running(prepare_redis(folder.redis)) as part:
        assert part.answers()

    assert prepare_redis(folder.redis).socket == part.socket


def test_two_stacks_do_not_share_a_folder(folder: DataFolder) -> None:
    with folder.locked(), pytest.raises(NotReady, match="another IVIgilant"), folder.locked():
        pass


def test_nobody_else_may_read_what_the_folder_keeps(folder: DataFolder) -> None:
    settings = Settings.model_validate({"data_dir": folder.path, "redis_url": "redis://:secret@here/0"})

    key = folder.secret_key()
    folder.remember(settings)

    assert folder.secret_key() == key
    modes = [stat.S_IMODE((folder.path / name).stat().st_mode) for name in ("", "secret-key", "stack.toml")]
    assert modes == [0o700, 0o600, 0o600]


def test_a_data_folder_that_others_can_read_is_closed_with_a_word(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.path.chmod(0o755)

    folder.prepare()

    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert capsys.readouterr().err == f"ivigilant: {folder.path} was open to others; only its owner can read it now\n"


def test_an_open_folder_that_holds_files_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv").chmod(0o755)
    (tmp_path / "srv" / "their-file").touch()

    with pytest.raises(NotReady, match="holds files of others; choose another with --data-dir"):
        DataFolder(tmp_path / "srv").prepare()

    assert stat.S_IMODE((tmp_path / "srv").stat().st_mode) == 0o755


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    place = DataFolder(tmp_path / "d")
    place.prepare()
    return place


@contextmanager
def running(part: EmbeddedRedis) -> Iterator[EmbeddedRedis]:
    """Run it, and end it in an orderly way."""
    with subprocess.Popen(part.command) as process:
        try:
            wait_for(part)
            yield part
        finally:
            process.terminate()


def wait_for(part: EmbeddedRedis) -> None:
    deadline = time.monotonic() + 60
    while not part.answers():
        assert time.monotonic() < deadline, "the embedded Redis does not answer"
        time.sleep(0.02)
