# The only list of commands; CI calls the same ones.
VENV := .venv
PY := $(VENV)/bin/python
BIN := $(VENV)/bin

.PHONY: lock
# Locks what pyproject.toml names; no header and no annotation, so that no index host is written.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml
lock: ## lock the dependencies again (hashes, no hosts)
	$(LOCK) --all-extras --group dev -o requirements/dev.txt
	$(LOCK) --group territories -o requirements/territories.txt
	for service in registry mapping events learning notify; do $(LOCK) --extra $$service -o requirements/$$service.txt || exit 1; done
