# One recipe a check; `make all` runs what CI runs. Python is that of the virtual environment .venv.

PYTHON := .venv/bin/python
VERSIONS := 3.11 3.12 3.13 3.14
export PYO3_PYTHON := $(CURDIR)/$(PYTHON)

.PHONY: all venv wheel-data test servers test-servers fmt clippy test-rust kernels doc-rust ruff mypy stubtest bench-once bench versions package smoke

all: test test-servers fmt clippy test-rust kernels doc-rust ruff mypy stubtest bench-once package versions smoke

venv: ## what the checks need, and the package itself
	test -x $(PYTHON) || python3 -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check '.[test,lint]'

test: venv ## the Python suite against the installed package
	$(PYTHON) -m pytest

servers: target/s3s/bin/s3s-fs ## the server of object storage that the tests need: built once, minutes of two cores

target/s3s/bin/s3s-fs:
	nice -n 10 cargo install s3s-fs --version 0.14.1 --locked --features binary --root target/s3s --target-dir target/s3s-build
	rm -rf target/s3s-build

test-servers: venv servers ## the store's suite on a server that checks signatures
	$(PYTHON) -m pytest -m servers tests/test_store_objects.py

wheel-data: venv ## write the manual page and the completion scripts that the wheel installs; a test compares them
	$(PYTHON) -m c4py man > wheel/data/share/man/man1/c4py.1
	$(PYTHON) -m c4py completion bash > wheel/data/share/bash-completion/completions/c4py
	$(PYTHON) -m c4py completion zsh > wheel/data/share/zsh/site-functions/_c4py
	$(PYTHON) -m c4py completion fish > wheel/data/share/fish/vendor_completions.d/c4py.fish

fmt: ## Rust source is formatted
	cargo fmt --all --check

clippy: venv ## Rust lints; a warning is an error
	cargo clippy --workspace --all-targets --locked -- -D warnings

test-rust: ## the Rust suite, vectors included
	cargo test --workspace --locked

kernels: venv ## what hashes under every SHA-512 kernel, forced; the kernels under valgrind
	PYTHON=$(PYTHON) .ci/kernels

doc-rust: venv ## rustdoc without a warning
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --document-private-items

ruff: venv ## Python lints and format
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

mypy: venv ## types of the package, its tests and benchmarks
	$(PYTHON) -m mypy

stubtest: venv ## the stub says what the extension module has
	$(PYTHON) -m mypy.stubtest c4py._rust --mypy-config-file pyproject.toml

bench-once: ## every benchmark runs, once
	cargo bench --workspace --locked -- --test
	$(PYTHON) -m pytest benches/python

bench: venv ## measure; compare two trees in one run, absolute times say little
	cargo bench -p c4 -p c4-sha512
	$(PYTHON) -m pytest benches/python --benchmark-enable --benchmark-only

package: venv ## the sdist builds a wheel, the wheel is one for every Python from 3.11 on
	rm -rf dist
	$(PYTHON) -m maturin sdist --out dist
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist dist/*.tar.gz
	ls dist/*-cp311-abi3-*.whl

versions: package ## the same wheel passes the acceptance tests on every Python that is here
	for version in $(VERSIONS); do \
	  python=$$(command -v python$$version) && $$python -c '' 2>/dev/null || python="$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$(ls "$${PYENV_ROOT:-$$HOME/.pyenv}/versions" 2>/dev/null | grep "^$$version\." | tail -1)/bin/python"; \
	  test -x "$$python" || { echo "no Python $$version here"; continue; }; \
	  echo "Python $$version"; \
	  rm -rf target/venv-$$version && $$python -m venv target/venv-$$version && \
	  target/venv-$$version/bin/python -m pip install --quiet --disable-pip-version-check --find-links dist c4py hypothesis numpy pydantic pytest pytest-benchmark && \
	  target/venv-$$version/bin/python -m pytest -q -p no:cacheprovider tests/acceptance tests/test_id.py tests/test_entry.py tests/test_manifest.py tests/test_scanner.py tests/test_diff.py tests/test_merge.py tests/test_sequence.py tests/test_validator.py || exit 1; \
	done

smoke: package ## the wheel, installed into a fresh environment and used outside the checkout
	rm -rf target/venv-smoke && python3 -m venv target/venv-smoke
	target/venv-smoke/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links dist c4py
	cd / && $(CURDIR)/target/venv-smoke/bin/c4py version
	cd / && $(CURDIR)/target/venv-smoke/bin/c4py id /usr/share/zoneinfo > $(CURDIR)/target/smoke.c4m
	cd / && $(CURDIR)/target/venv-smoke/bin/c4py id $(CURDIR)/target/smoke.c4m | cmp - $(CURDIR)/target/smoke.c4m
	target/venv-smoke/bin/c4py man | cmp - target/venv-smoke/share/man/man1/c4py.1
	target/venv-smoke/bin/c4py completion bash | cmp - target/venv-smoke/share/bash-completion/completions/c4py
	target/venv-smoke/bin/python -m pip install --quiet --disable-pip-version-check hypothesis pytest pytest-benchmark
	target/venv-smoke/bin/python -m pytest -q -p no:cacheprovider tests/acceptance
