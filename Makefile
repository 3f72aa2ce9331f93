# Two commands a newcomer needs: `make run` and `make test`. `make help` lists the rest.
# Needs Debian 12 (or like it), Python 3.11 or newer with venv, Node 20 or newer with npm, and make.

PORT ?= 8008
DATA ?= ./data
PYTEST_ARGS ?=
# Three on two processors: many tests wait for browsers and links.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder
SEEDS ?= 200
FIRST ?= 0

# Where it is set, each of the hundreds of processes that tests start would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(or $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done),python3)
BIN := .venv/bin
# The lists name all there is, so pip need not ask again what each part needs.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement
# Of what the tests need only a part is ever imported; that is compiled when it is.
PIP_INSTALL_TESTS := $(subst install,install --no-compile,$(PIP_INSTALL))
PIP_COMPILE := .venv-lock/bin/pip-compile --quiet --strip-extras --allow-unsafe --no-header --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help install run test test-long oracle e2e-deps test-deps chromium bench tower-drill web-bench web-size sim sim-couriers sim-hubs drill demo lock format clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

install: .venv/.run bongsu/web/.built ## put the program and the web client in place; fast when nothing changed

run: install ## start the service on loopback; PORT=8008 DATA=./data
	@echo "Bongsu starts on http://localhost:$(PORT) with its data in $(DATA). Stop it with Ctrl-C."
	@echo "The first account: sign up with any Matrix client that is given http://localhost:$(PORT) as its homeserver,"
	@echo "or: $(BIN)/bongsu user add --data $(DATA) NAME"
	@exec $(BIN)/bongsu serve --registration open --listen 127.0.0.1:$(PORT) --data $(DATA)

test: ## every test; what needs more time is in test-long
	@$(MAKE) --no-print-directory -j2 test-deps
	@echo "make test leaves the tests marked 'long' (more seeds, requests and clients) to: make test-long"
	@$(BIN)/python -m pytest $(WORKERS) -m "not long" $(PYTEST_ARGS)

test-long: ## every test, the long ones too
	@$(MAKE) --no-print-directory -j2 test-deps
	@$(BIN)/python -m pytest $(WORKERS) $(PYTEST_ARGS)

# The web client first: it takes as long as the rest together.
test-deps: bongsu/web/.built chromium .venv/.test .venv-synapse/.oracle tests/e2e/node_modules/.installed

chromium:
	@tools/need chromium

oracle: .venv-synapse/.oracle ## the independent homeserver that tests/oracle asks, in an environment of its own

e2e-deps: tests/e2e/node_modules/.installed ## the JavaScript client that tests/e2e drives

web-size: bongsu/web/.built ## print the sizes of the web client against its budgets
	@cd web && npm run --silent size

tower-drill: install ## the Gangneung drill: 90 people, a cut fibre, real browsers; writes gangneung.html
	@$(BIN)/python -m tests.web.gangneung --html gangneung.html --json gangneung.json

web-bench: install ## how smooth the web client is on a slow device; takes some ten minutes
	@node bench/web.mjs
	@node bench/tower.mjs

bench: .venv/.test ## the table of figures; BASELINE=http://… compares with another homeserver
	@$(BIN)/python -m bench $(if $(BASELINE),--baseline $(BASELINE)) $(BENCH_ARGS)

lock: .venv-lock/.tools ## write requirements/*.txt and package-lock.json anew from what is asked for
	$(PIP_COMPILE) --output-file requirements/build.txt requirements/build.in
	$(PIP_COMPILE) --output-file requirements/run.txt pyproject.toml
	$(PIP_COMPILE) --output-file requirements/test.txt requirements/test.in
	$(PIP_COMPILE) --output-file requirements/oracle.txt requirements/oracle.in
	for folder in tests/e2e web; do \
		(cd $$folder && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund); done

sim: .venv/.run ## run the simulator over SEEDS seeds from FIRST on; a failing one is printed as its command
	@$(BIN)/python -m bongsu.sim --seeds $(FIRST)-$$(($(FIRST) + $(SEEDS) - 1))

sim-couriers: .venv/.run ## five days of couriers between twenty hubs, and what arrives within 48 hours; minutes
	@$(BIN)/python -m bongsu.sim.couriers

sim-hubs: .venv/.run ## hubs, cuts, couriers and moves over SEEDS seeds from FIRST on; then fifty that come back at once
	@$(BIN)/python -m bongsu.sim.hubs --seeds $(FIRST)-$$(($(FIRST) + $(SEEDS) - 1))
	@$(BIN)/python -m bongsu.sim.hubs --fifty

drill: .venv/.run ## burn a data centre under load on this machine, and write drill.html
	@$(BIN)/bongsu drill site-kill --html drill.html --json drill.json
	@echo "The report: drill.html"

demo: install ## three sites and two hubs with a small town on this machine, and a page to burn and cut them from
	@$(BIN)/bongsu demo

format: .venv/.test ## lay out the Python code as the tests demand
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other commands installed; never touches DATA
	rm -rf .venv .venv-synapse .venv-lock tests/e2e/node_modules web/node_modules web/src/paraglide bongsu/web

# Stamp files: each is newer than what it was made from, so a second run does nothing.

.venv/.made:
	@tools/need python
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.made requirements/build.txt requirements/run.txt pyproject.toml
	@echo "Installing the program into .venv"
	@$(BIN)/python $(PIP_INSTALL) requirements/build.txt --requirement requirements/run.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.test: .venv/.run requirements/test.txt
	@echo "Installing what the tests need into .venv"
	@$(BIN)/python $(PIP_INSTALL_TESTS) requirements/test.txt
	@touch $@

.venv-synapse/.oracle: requirements/oracle.txt
	@tools/need python
	@echo "Installing the oracle into .venv-synapse"
	@$(PYTHON) -m venv .venv-synapse
	@.venv-synapse/bin/python $(PIP_INSTALL_TESTS) requirements/oracle.txt
	@touch $@

.venv-lock/.tools:
	@tools/need python
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install -qq --disable-pip-version-check pip-tools
	@touch $@

tests/e2e/node_modules/.installed: tests/e2e/package.json tests/e2e/package-lock.json
	@tools/need node
	@echo "Installing the JavaScript client into tests/e2e/node_modules"
	@cd tests/e2e && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json
	@tools/need node
	@echo "Installing what the web client is built with into web/node_modules"
	@# Not `npm ci`: it refuses a lock file from a registry that lacks some other platforms' optional packages.
	@cd web && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find web/src web/worker web/public web/messages web/tools -type f -not -path "web/src/paraglide/*") \
	web/index.html web/vite.config.ts web/svelte.config.js web/tsconfig.json web/project.inlang/settings.json

bongsu/web/.built: web/node_modules/.installed $(WEB_SOURCES)
	@echo "Building the web client into bongsu/web"
	@cd web && npm run --silent build
	@touch $@
