"""obstore, as it works in this process.

obstore's extension module starts its threads once. A process that is forked after that has the module and not the
threads, and a request there would never end. Nothing in obstore starts them again, so such a process loads a second
copy of the extension, from a file of its own (the loader knows a library by its file), which starts threads of its own:
some 15 MB, in a fraction of a second. That beats both a hang and an error, as long as `fork` is how processes start.
"""

from __future__ import annotations

import os

from c4py.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Network:
    """The functions and classes of obstore that are used, of one copy of its extension."""

    def __init__(self, functions: ModuleType, stores: ModuleType) -> None:
        self.delete: Any = functions.delete
        self.get: Any = functions.get
        self.head: Any = functions.head
        self.list: Any = functions.list
        self.put: Any = functions.put
        self.Error: type[Exception] = functions.exceptions.BaseError
        self.GenericError: type[Exception] = functions.exceptions.GenericError
        self.stores: dict[str, Any] = {"s3": stores.S3Store, "gs": stores.GCSStore, "az": stores.AzureStore}


#: The network of a process, by its number. Before the first use it is that of the process that imports this.
_network: tuple[int, Network | None] = (os.getpid(), None)


def network() -> Network:
    """Give obstore for this process; raise StoreError where it is not installed, or cannot be had after a fork."""
    global _network
    process, found = _network
    if process != os.getpid():
        found = _copy()
    elif found is None:
        found = _installed()
    # Two threads that come here at once may each have a copy: whoever has one uses it with the clients it made.
    _network = os.getpid(), found
    return found


def _installed() -> Network:
    try:
        import obstore
        import obstore.store
    except ImportError:
        raise StoreError("stores in buckets need obstore, which is not installed: pip install 'c4py[s3]'") from None
    return Network(obstore, obstore.store)


def _copy() -> Network:
    import shutil
    import sys
    import tempfile
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    _installed()
    import obstore._obstore as original

    modules = dict(sys.modules)
    try:
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, os.path.basename(str(original.__file__)))
            shutil.copyfile(str(original.__file__), path)
            loader = ExtensionFileLoader("_obstore", path)
            spec = spec_from_loader("_obstore", loader)
            assert spec is not None
            copy = module_from_spec(spec)
            loader.exec_module(copy)
        return Network(copy, copy._store)
    except (ImportError, AttributeError, OSError) as error:
        raise StoreError(
            f"an object store cannot be used in this forked process ({error}): start it by 'spawn' or 'forkserver'"
        ) from None
    finally:
        # The copy registers its submodules under the names of the original's.
        for name in [name for name in sys.modules if name.startswith("obstore.")]:
            if name in modules:
                sys.modules[name] = modules[name]
