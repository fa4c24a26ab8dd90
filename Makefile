# Every command does all its own set-up on a fresh machine; run again, it does only what has changed since.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help demo test check format bench bench-client clean
SHELL := /bin/bash -o pipefail

PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python
NPM := $(or $(shell command -v npm),$(CURDIR)/$(VENV)/bin/npm)
# npm of our own comes with a node of our own: whatever is started from here finds it.
export PATH := $(PATH):$(CURDIR)/$(VENV)/bin
export PYTHONUNBUFFERED := 1

PIP := $(RUN) -m pip install --disable-pip-version-check --no-input
# One line that grows by each package that is fetched; the rest of pip's talk is dropped, its errors are not. In bash, since
# Debian's awk reads ahead: it would show the whole line at the end.
FETCHED := { gap='    '; while read -r word name _; do [ "$$word" != Collecting ] || { printf '%s%s' "$$gap" "$$name"; gap=' '; }; done; [ "$$gap" = '    ' ] || echo; }
# Folders whose tests need packages from npm.
NODE_TESTS := $(patsubst %/package-lock.json,%,$(wildcard tests/*/package-lock.json tests/*/*/package-lock.json))
JAVA_TEST := tests/interop/java/target/.built
# The environment of the clients that ours is measured beside.
RIVALS := bench/build/rivals/.done

help:
	@echo "make demo     the streaming sample in a browser, on port 8000 (PORT=8080 for another)"
	@echo "make test     every test"
	@echo "make check    format, lint, types, imports"
	@echo "make format   formats, and mends what the linter can"
	@echo "make bench    the benchmarks of the server; make bench-client those of the client"
	@echo "make clean    removes what the commands installed here"

demo: $(VENV)/demo.done demo/node_modules/.done
	@$(RUN) -m demo --port $(PORT)

test: $(VENV)/dev.done demo/node_modules/.done $(NODE_TESTS:%=%/node_modules/.done)
	@! requirements/system java >/dev/null || $(MAKE) --no-print-directory $(JAVA_TEST)
	@requirements/system browser >/dev/null || echo "==> the browser tests will be skipped"
	@requirements/system nginx >/dev/null || echo "==> the tests behind nginx will be skipped"
	@PYTHON=$(RUN) tests/lanes

check: $(VENV)/dev.done
	@echo "==> ruff format" && $(VENV)/bin/ruff format --check .
	@echo "==> ruff check" && $(VENV)/bin/ruff check .
	@echo "==> mypy" && $(VENV)/bin/mypy -p hubstream -p conformance -p demo -p examples -p tests
	@echo "==> basedpyright" && $(VENV)/bin/basedpyright
	@echo "==> import-linter" && $(VENV)/bin/lint-imports --no-cache  # two runs at once spoil the cache

format: $(VENV)/dev.done
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

bench: $(VENV)/dev.done
	@$(RUN) -m bench

bench-client: $(VENV)/dev.done $(RIVALS)
	@$(RUN) -m bench.clients

clean:
	rm -rf $(VENV) bench/build/rivals demo/node_modules $(NODE_TESTS:%=%/node_modules) tests/interop/java/target

# --- set-up ---------------------------------------------------------------------------------------------------------

$(RUN):
	@python=$$(requirements/system python) && echo "==> $(VENV) with $$($$python --version)" && $$python -m venv --clear $(VENV)

$(VENV)/package.done: requirements/build.txt pyproject.toml | $(RUN)
	@echo "==> the package, editable"
	@$(PIP) -r requirements/build.txt | $(FETCHED)
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/%.done: requirements/%.txt requirements/demo.txt $(VENV)/package.done
	@echo "==> Python packages of requirements/$*.txt"
	@$(PIP) -r $< | $(FETCHED)
	@touch $@

$(RIVALS): requirements/bench.txt | $(RUN)
	@echo "==> the clients of others, in an environment of their own"
	@mkdir -p bench/build && $(RUN) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --no-input -r $< | $(FETCHED)
	@touch $@

$(JAVA_TEST): $(VENV)/dev.done tests/interop/java/pom.xml $(wildcard tests/interop/java/src/*.java)
	@echo "==> the Java client and the driver of its tests"
	@$(RUN) -c "from tests.interop import javaclient; javaclient.driver()"

# Made by `npm ci`, which installs exactly what the lock file says.
%/node_modules/.done: %/package-lock.json | $(if $(shell command -v npm),,$(VENV)/node.done)
	@echo "==> npm packages of $*"
	@cd $* && $(NPM) ci --silent --no-audit --no-fund
	@touch $@
