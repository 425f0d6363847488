"""What the package exports, and what importing it costs."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import c4py
import pytest

MODULES = [
    "bundle",
    "canonical",
    "cli",
    "decoder",
    "diff",
    "duplicates",
    "encoder",
    "entry",
    "errors",
    "id",
    "manifest",
    "merge",
    "naturalsort",
    "paths",
    "plot",
    "pool",
    "progress",
    "reconcile",
    "report",
    "safename",
    "scanner",
    "sequence",
    "store",
    "validator",
    "verify",
    "workspace",
]


#: Names that scripts import from the modules, as 1.0.20 has them.
NAMES_OF_1_0_20 = {
    "canonical": "try_canonicalize",
    "decoder": (
        "C4ID C4_ID_LENGTH Entry FlowDirection Manifest NULL_SIZE NULL_TIMESTAMP SEQUENCE_PATTERN load loads "
        "parse parse_mode"
    ),
    "diff": (
        "C4ID Conflict DiffResult Entry Manifest PatchInfo apply_patch diff log_chain merge patch_diff resolve_chain"
    ),
    "encoder": "Entry FlowDirection Manifest NULL_TIMESTAMP dump dumps format_mode format_name format_target",
    "entry": (
        "C4ID Entry FlowDirection NULL_SIZE NULL_TIMESTAMP SEQUENCE_PATTERN format_mode format_name "
        "format_size format_target format_timestamp normalize_mode parse_mode"
    ),
    "id": (
        "BASE58_ALPHABET BASE58_MAP C4ID C4_ID_LENGTH C4_PREFIX DIGEST_SIZE identify identify_bytes "
        "identify_file identify_files parse tree_id verify"
    ),
    "manifest": "C4ID Entry Manifest NULL_SIZE NULL_TIMESTAMP",
    "naturalsort": "natural_sort_key",
    "reconcile": (
        "C4ID Entry Manifest NULL_TIMESTAMP ReconcileOp ReconcilePlan ReconcileResult Store identify_file load "
        "open_store reconcile"
    ),
    "pool": "FSStore IngestResult Manifest PoolResult Store dump ingest load open_store pool",
    "safename": "escape_field safe_name unescape_field unsafe_name",
    "scanner": "C4ID Entry Manifest NULL_TIMESTAMP identify_bytes normalize_mode scan",
    "store": "C4ID CONFIG_DIR CONFIG_FILE ContentNotFound FSStore SPLIT_THRESHOLD Store open_store",
    "validator": (
        "BASE58_ALPHABET C4_ID_LENGTH C4_PREFIX Entry Issue Manifest NULL_SIZE NULL_TIMESTAMP Severity "
        "ValidationResult validate validate_c4id_string validate_mode_string"
    ),
    "verify": "C4ID CorruptEntry Manifest ProgressCallback VerifyReport identify_file verify_tree",
    "workspace": (
        "DiffResult Manifest ReconcilePlan ReconcileResult Store Workspace WorkspaceState diff open_store reconcile "
        "scan"
    ),
}


@pytest.mark.parametrize("module", NAMES_OF_1_0_20)
def test_names_are_where_scripts_import_them_from(module: str) -> None:
    imported = importlib.import_module(f"c4py.{module}")
    names = NAMES_OF_1_0_20[module].split()
    assert [name for name in names if not hasattr(imported, name)] == []
    for name in names:
        found = getattr(imported, name)
        assert getattr(c4py, name, found) is found
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        getattr(imported, "no_such_name")  # noqa: B009 - the name is no attribute


def test_public_names_are_there_and_no_others() -> None:
    assert len(set(c4py.__all__)) == len(c4py.__all__)
    for name in c4py.__all__:
        assert getattr(c4py, name) is not None
    hidden = {name for name in vars(c4py) if not name.startswith("_")} - set(c4py.__all__) - set(MODULES)
    assert hidden == set()


def test_modules() -> None:
    found = {module.name for module in pkgutil.iter_modules(c4py.__path__) if not module.name.startswith("_")}
    assert found == set(MODULES)
    for name in MODULES:
        module = importlib.import_module(f"c4py.{name}")
        assert module.__doc__
        for exported in getattr(module, "__all__", []):
            value = getattr(module, exported)
            assert getattr(c4py, exported, value) is value


@pytest.mark.parametrize("name", ["diff", "merge", "pool", "reconcile", "verify"])
def test_a_function_stays_one_when_the_module_of_its_name_is_imported(name: str) -> None:
    code = f"import c4py.{name}; from c4py.{name} import *; import c4py; assert callable(c4py.{name}), c4py.{name}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_every_public_thing_is_documented() -> None:
    for name in c4py.__all__:
        value = getattr(c4py, name)
        if not callable(value):
            continue
        assert value.__doc__, name
        for attribute, member in vars(value).items() if isinstance(value, type) else ():
            if not attribute.startswith("_") and callable(member):
                assert member.__doc__, f"{name}.{attribute}"


def test_importing_takes_nothing_outside_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import c4py; new = set(sys.modules) - before;"
        "roots = {name.split('.')[0] for name in new};"
        "assert roots <= set(sys.stdlib_module_names) | {'c4py'}, roots;"
        "assert not roots & {'typing', 'dataclasses', 'argparse', 'asyncio', 'logging', 're'}, roots"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"], check=True)


def test_the_version_is_written_once() -> None:
    from importlib.metadata import version

    assert c4py.__version__ == version("c4py")


def test_a_forced_kernel_is_used_and_an_unknown_one_is_an_error() -> None:
    code = "import c4py._rust; print(c4py._rust.sha512_platform)"
    for name, expected in (("portable", "portable"), ("auto", None)):
        result = subprocess.run(
            [sys.executable, "-c", code], env={"C4_SHA512_PLATFORM": name}, capture_output=True, text=True, check=True
        )
        assert expected is None or result.stdout.strip() == expected
    failed = subprocess.run(
        [sys.executable, "-c", code], env={"C4_SHA512_PLATFORM": "x"}, capture_output=True, text=True, check=False
    )
    assert (
        "ImportError: C4_SHA512_PLATFORM=x names no SHA-512 kernel of this build; expected auto, portable"
        in failed.stderr
    )
