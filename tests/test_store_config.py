"""Which store is meant: an argument, the environment, the configuration file."""

from __future__ import annotations

import os
import pickle
import stat
import threading
from pathlib import Path

import c4py
import pytest
from c4py.store import CONFIG_FILE, Configuration, init_store, is_store_automatic, read_configuration


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home directory of its own, and no store."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("C4_STORE", raising=False)
    return home


def write_config(home: Path, text: str | bytes) -> Path:
    path = home / ".c4" / "config"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def roots(store: object) -> list[str]:
    stores = store.stores if isinstance(store, c4py.MultiStore) else [store]
    return [os.fsdecode(one.root) for one in stores]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_an_argument_is_a_path_of_any_kind(tmp_path: Path, kind: type) -> None:
    assert roots(c4py.open_store(kind(str(tmp_path / "a,b")))) == [str(tmp_path / "a,b")]


def test_the_argument_has_the_name_that_scripts_of_1_0_20_may_use(tmp_path: Path) -> None:
    assert roots(c4py.open_store(path=tmp_path)) == [str(tmp_path)]
    with pytest.raises(TypeError, match="path_or_uri and path are two names of one argument"):
        c4py.open_store("a", path="b")


def test_an_argument_in_the_home_directory_is_found_there(home: Path) -> None:
    assert roots(c4py.open_store("~/store")) == [f"{home}/store"]


def test_the_argument_goes_before_the_environment_and_that_before_the_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, "store = /from/file\n")
    assert roots(c4py.open_store()) == ["/from/file"]
    monkeypatch.setenv("C4_STORE", "/from/environment")
    assert roots(c4py.open_store()) == ["/from/environment"]
    assert roots(c4py.open_store(tmp_path)) == [str(tmp_path)]
    monkeypatch.setenv("C4_STORE", "")
    assert roots(c4py.open_store()) == ["/from/file"]


def test_several_stores_of_the_environment_are_read_in_order_and_the_first_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("C4_STORE", f" {tmp_path}/one, ~/two ,,/three/")
    store = c4py.open_store()
    assert isinstance(store, c4py.MultiStore)
    assert roots(store)[:2] == [f"{tmp_path}/one", f"{home}/two"]
    assert len(store.stores) == 3
    monkeypatch.setenv("C4_STORE", " , ")
    with pytest.raises(c4py.StoreNotConfigured, match="^C4_STORE names no store$"):
        c4py.open_store()


def test_the_file_names_stores_in_lines_and_lists(home: Path) -> None:
    write_config(
        home,
        "# stores\n\n  store=/one\nstore_automatic = never mind\n"
        "store = ~/two, /three # not a comment\n\tstore\t=\t/four\nother.key = value\nstore_auto = true\n",
    )
    configuration = read_configuration()
    assert configuration.stores == ("/one", "~/two", "/three # not a comment", "/four")
    assert configuration.store_auto is True
    assert configuration.path == str(home / ".c4" / "config") == str(CONFIG_FILE_of_now())
    assert roots(c4py.open_store()) == ["/one", f"{home}/two", "/three # not a comment", "/four"]
    assert "store_auto=True" in repr(configuration)


def CONFIG_FILE_of_now() -> Path:  # noqa: N802
    import c4py.store

    return c4py.store.CONFIG_FILE


def test_the_home_directory_is_that_of_the_call(home: Path) -> None:
    assert home / ".c4" / "config" == CONFIG_FILE_of_now()
    assert isinstance(CONFIG_FILE, Path)


def test_a_path_that_is_no_utf8_is_kept(home: Path) -> None:
    write_config(home, b"store = /caf\xe9\n")
    assert roots(c4py.open_store()) == [os.fsdecode(b"/caf\xe9")]


@pytest.mark.parametrize("value", ["true", "Yes", "on", "1"])
def test_storing_without_being_told(home: Path, value: str) -> None:
    assert read_configuration().store_auto is False
    write_config(home, f"store_auto = {value}\r\n")
    assert read_configuration().store_auto is True
    write_config(home, "store_auto = false\n")
    assert read_configuration().store_auto is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = b\n\nstore = \n", "line 3: store names no store"),
        ("store = ,\n", "line 1: store names no store"),
        ("store_auto = perhaps\n", "line 1: store_auto must be true or false, not 'perhaps'"),
        ("[core]\nstore = /a\nstore_auto =\n", "line 3: store_auto must be true or false, not ''"),
        ("store_auto = \x1b[31m\n", "line 1: store_auto must be true or false, not '\\x1b[31m'"),
    ],
)
def test_a_bad_line_is_named(home: Path, text: str, message: str) -> None:
    path = write_config(home, text)
    with pytest.raises(c4py.StoreNotConfigured) as caught:
        c4py.open_store()
    assert str(caught.value) == f"{path}: {message}"
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, c4py.StoreError)


def test_what_is_no_setting_of_a_store_is_passed_over(home: Path) -> None:
    strange = "[core]\ngarbage\nstore /data\n= x\n== \n\x1b[31m\n\x00 = \x00\nStore = /b\n#store = /c\n # store = /d\n"
    write_config(home, strange + "store = /a\nstore_auto = true\n[store]\n")
    assert read_configuration().stores == ("/a",)
    assert is_store_automatic() is True
    write_config(home, strange)
    assert read_configuration().stores == ()
    assert is_store_automatic() is False
    assert init_store() == f"{home}/.c4/store"
    assert (home / ".c4" / "config").read_text() == strange + f"store = {home}/.c4/store\n"


@pytest.mark.parametrize(
    "text", ["store_auto = perhaps\n", "store =\n", "store_auto\n", "store_auto = true\nstore_auto =\n"]
)
def test_where_no_store_is_asked_for_nothing_in_the_file_is_an_error(home: Path, text: str) -> None:
    write_config(home, text)
    assert is_store_automatic() is False


def test_where_nothing_names_a_store_the_error_says_what_would(home: Path) -> None:
    with pytest.raises(c4py.StoreNotConfigured) as caught:
        c4py.open_store()
    for way in ("path or URI", "C4_STORE", f"{home}/.c4/config", "c4py store init"):
        assert way in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


@pytest.mark.parametrize("uri", ["ftp://host/x", "s3://", "s3:///prefix", "s3://bucket/a//b?x=y"])
def test_a_uri_that_names_no_store_is_a_value_error(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="s3://|ftp://") as caught:
        c4py.open_store(uri)
    assert not isinstance(caught.value, c4py.StoreError)
    monkeypatch.setenv("C4_STORE", f"/data,{uri}")
    with pytest.raises(c4py.StoreNotConfigured, match="^C4_STORE: "):
        c4py.open_store()


@pytest.mark.parametrize("value", [5, ["a"], object()])
def test_a_wrong_type_is_named(value: object) -> None:
    with pytest.raises(TypeError, match="path_or_uri must be str, bytes or os.PathLike, not "):
        c4py.open_store(value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must not be empty"):
        c4py.open_store("")


def test_init_names_a_store_and_makes_its_directory(home: Path) -> None:
    assert init_store() == f"{home}/.c4/store"
    assert (home / ".c4" / "config").read_text() == f"store = {home}/.c4/store\n"
    assert stat.S_IMODE((home / ".c4" / "store").stat().st_mode) == 0o700
    assert roots(c4py.open_store()) == [f"{home}/.c4/store"]
    assert init_store() == f"{home}/.c4/store"
    assert (home / ".c4" / "config").read_text() == f"store = {home}/.c4/store\n"
    assert stat.S_IMODE((home / ".c4" / "config").stat().st_mode) == 0o600


def test_init_keeps_the_other_lines_and_refuses_to_take_a_store_s_place(home: Path, tmp_path: Path) -> None:
    path = write_config(home, "# mine\nstore_auto = true\nstore = /old\nstore=/older\n")
    path.chmod(0o640)
    with pytest.raises(c4py.StoreNotConfigured, match="names another store: /old, /older$"):
        init_store(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    init_store(tmp_path / "new", replace=True)
    assert path.read_text() == f"# mine\nstore_auto = true\nstore = {tmp_path}/new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [name.name for name in path.parent.iterdir()] == ["config"]


def test_init_writes_through_a_link(home: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").touch()
    (home / ".c4").mkdir()
    (home / ".c4" / "config").symlink_to(tmp_path / "dotfiles")
    init_store(tmp_path / "store")
    assert (home / ".c4" / "config").is_symlink()
    assert (tmp_path / "dotfiles").read_text() == f"store = {tmp_path}/store\n"


@pytest.mark.parametrize("name", ["/a,b", "/a\nstore_auto = true", "/a "])
def test_init_refuses_what_the_file_cannot_express(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a store"):
        init_store(name)
    assert list(home.iterdir()) == []


def test_a_file_that_could_not_be_written_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(home, "a = b\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        init_store()
    assert caught.value.filename == str(path)
    assert path.read_text() == "a = b\n"
    assert sorted(name.name for name in path.parent.iterdir()) == ["config", "store"]


def test_threads_that_name_the_same_store_agree(home: Path) -> None:
    threads = [threading.Thread(target=init_store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (home / ".c4" / "config").read_text() == f"store = {home}/.c4/store\n"


def test_a_configuration_can_be_made_by_hand() -> None:
    assert Configuration("/c").stores == ()
