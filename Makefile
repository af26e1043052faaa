# `make` shows this help. Variables are given on the command line: make figures PRESET=smoke TRIALS=5

EDITION ?= embedded
PRESET ?= quick
TRIALS ?= 0
N_MAX ?= 0
WORKERS ?= 0
SEED ?= 0
DEVICE ?= cpu
NOTEBOOK ?=
TABLES ?= data/local.toml
OUT ?= answer
PYTHON ?= python3
VENV := .venv

VARIABLES := EDITION PRESET TRIALS N_MAX WORKERS SEED DEVICE NOTEBOOK TABLES OUT PYTHON VENV PY
TARGETS := help setup figures ask report test test-slow test-all test-browser docs lab bench calibration forecasts clean
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))
PY := $(if $(VENV),$(VENV)/bin/python,python)
# .venv is made when needed; another interpreter is used as it is, and needs only have sim2real
READY := $(if $(filter .venv/bin/python,$(PY)),.venv/.complete,interpreter)
# a notebook that fails does not keep the others from being run; the exit status tells at the end
MAKEFLAGS += --keep-going
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export SIM2REAL_DEVICE := $(DEVICE)

# an unknown variable or value is refused in one line before anything runs (exit status 2)
nothing :=
blank := $(nothing) $(nothing)
given := $(sort $(foreach word,$(subst \$(blank),_,$(MAKEOVERRIDES)),$(firstword $(subst =, ,$(word)))))
unknown := $(filter-out $(VARIABLES),$(given))
ifneq ($(unknown),)
$(error unknown variable $(firstword $(unknown)); allowed are $(VARIABLES))
endif
other := $(filter-out $(TARGETS) interpreter .venv/% .cache/%,$(MAKECMDGOALS))
ifneq ($(other),)
$(error unknown target $(firstword $(other)); allowed are $(TARGETS), and variables as NAME=VALUE without blanks)
endif
ifeq ($(filter $(EDITION),embedded open local),)
$(error EDITION=$(EDITION) is not known; allowed are embedded, open, local)
endif
ifeq ($(filter $(PRESET),smoke quick paper),)
$(error PRESET=$(PRESET) is not known; allowed are smoke, quick, paper)
endif
ifeq ($(filter $(DEVICE),cpu cuda auto),)
$(error DEVICE=$(DEVICE) is not known; allowed are cpu, cuda, auto)
endif
whole = $(shell printf '%s' '$($(1))' | grep -Ex '[0-9]+')
$(foreach name,TRIALS N_MAX SEED $(if $(findstring ://,$(WORKERS))$(filter %.json,$(WORKERS)),,WORKERS),$(if $(call whole,$(name)),,$(error $(name)=$($(name)) is not known; allowed are whole numbers from 0)))

# NOTEBOOK=01 or NOTEBOOK=01-polymers
ifneq ($(NOTEBOOK),)
ALL := $(NOTEBOOKS)
NOTEBOOKS := $(filter notebooks/$(NOTEBOOK).ipynb notebooks/$(NOTEBOOK)-%.ipynb,$(ALL))
ifneq ($(words $(NOTEBOOKS)),1)
$(error NOTEBOOK=$(NOTEBOOK) is not known; allowed are $(basename $(notdir $(ALL))))
endif
endif

.PHONY: $(TARGETS) interpreter
.DEFAULT_GOAL := help

help:
	@echo 'sim2real: scaling laws of Sim2Real transfer learning'
	@echo
	@echo '  make setup     the virtual environment .venv from requirements.lock (done by the others when needed)'
	@echo '  make figures   run the notebooks; figures go to figures/EDITION (PRESET other than quick: figures/EDITION/PRESET)'
	@echo '  make ask       is your database worth growing: an answer in words, figures, and one page (TABLES, OUT)'
	@echo '  make report    all figures of EDITION and PRESET as one page of HTML, beside them'
	@echo '  make test      the tests that take no longer than they must; test-slow: the others; test-all: both'
	@echo '  make test-browser   JupyterLab, widgets and the report in chromium; screenshots in .cache/browser'
	@echo '  make lab       JupyterLab on the notebooks; their figures go to .cache/figures'
	@echo '  make docs      the documentation of the Python interface, as HTML in .cache/docs'
	@echo '  make bench     benchmarks, as ratios'
	@echo '  make calibration   how often 90 % intervals hold the truth, on made curves'
	@echo '  make forecasts     which form forecasts errors best, on own and on public curves'
	@echo '  make clean     remove stored trials and everything else that can be made again (.cache)'
	@echo
	@echo 'Variables:'
	@echo '  EDITION=$(EDITION)   embedded | open | local: which data'
	@echo '  PRESET=$(PRESET)       smoke | quick | paper: how much is run'
	@echo "  TRIALS=$(TRIALS)           trials per cell; 0 is the preset's"
	@echo "  N_MAX=$(N_MAX)            largest number of simulated materials; 0 is the preset's"
	@echo '  WORKERS=$(WORKERS)          processes; 0 is one per core; or tcp://host:port of a Dask cluster'
	@echo '  SEED=$(SEED)             changes all random numbers'
	@echo '  DEVICE=$(DEVICE)         cpu | cuda (a GPU trains) | auto (if there is one)'
	@echo '  NOTEBOOK=$(NOTEBOOK)          of make figures: only this one, such as 01 or 01-polymers'
	@echo '  TABLES=$(TABLES) OUT=$(OUT)   of make ask: the file that names your tables, the folder of the answer'
	@echo '  PYTHON=$(PYTHON)     interpreter that makes .venv, 3.11 or newer'
	@echo '  VENV=$(VENV)         environment that runs everything; VENV= is the active one (conda), as is PY=python'

setup: $(READY)

interpreter:
	@$(PY) -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("sim2real"))' || { echo '$(PY) has no sim2real; in its environment: pip install --no-deps --editable .' >&2; exit 2; }

# In a clone of this repository a notebook that was run and saved is no change: git does not see outputs, nor what JupyterLab notes.
# Without .venv git takes notebooks as they are.
NOTED := $(addprefix metadata.language_info.,codemirror_mode file_extension mimetype nbconvert_exporter pygments_lexer version)
STRIP := if [ "$$(git rev-parse --show-toplevel 2>/dev/null)" = "$(CURDIR)" ]; then .venv/bin/python -m nbstripout --install \
	&& git config filter.nbstripout.extrakeys "$(NOTED)" && git config filter.nbstripout.required false; fi

.venv/.complete: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'sim2real needs Python 3.11 or newer; $(PYTHON) is older. Try make setup PYTHON=python3.11' >&2; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	-@$(STRIP)
	touch $@

# A notebook runs again when it, the library, the data or a parameter changed since, or its figures' folder is gone.
# One stamp a notebook and folder: the figures that lie there are those of the last parameters.
# The data are those that git holds. A user's own tables, which may have any name, count in the edition local only, by a file that
# holds a checksum of all of them and is written again when that changed; lists of dropped rows are no tables.
# The summary reads what the others wrote: it comes last, and whenever one of them was run.
SUMMARY := 99-summary
FOLDER := figures/$(EDITION)$(if $(filter-out quick,$(PRESET)),/$(PRESET))
RUN := $(EDITION)-$(PRESET)-$(TRIALS)-$(N_MAX)-$(SEED)
STAMPS := $(patsubst notebooks/%.ipynb,.cache/done/%-$(RUN),$(NOTEBOOKS))
SHIPPED := find data -type f -not -path 'data/local/*' -not -name local.toml -not -name '*[!A-Za-z0-9._-]*'
INPUTS := $(shell find lib -type f -not -path '*/__pycache__/*' -not -path '*.egg-info*')
INPUTS += $(filter-out %.md,$(wildcard $(shell git ls-files data 2>/dev/null || $(SHIPPED))))
OWN := .cache/done/own-tables
INPUTS += $(if $(filter local,$(EDITION)),$(OWN))
ifneq ($(filter figures,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(FOLDER)/*.png),)
$(shell rm -f .cache/done/*-$(EDITION)-$(PRESET)-*)
endif
ifeq ($(EDITION),local)
$(shell mkdir -p $(dir $(OWN)) && find data -type f -not -name '*.dropped.csv' -exec cksum {} + | sort | cksum >$(OWN).new \
	&& { cmp -s $(OWN).new $(OWN) && rm $(OWN).new || mv $(OWN).new $(OWN); })
endif
endif

# two notebooks at a time, as each draws on one core while no process trains; elsewhere they download or tune the same
AT_ONCE := $(if $(filter embedded,$(EDITION)),2,1)
# all of them by one process, which imports the library once, and which gets what signal make gets
LAST := $(filter %/$(SUMMARY).ipynb,$(NOTEBOOKS))
OTHERS = $(filter-out $(LAST),$(STALE))
RUN_STALE = $(if $(STALE),rm -f $(STALE:notebooks/%.ipynb=.cache/done/%-$(EDITION)-$(PRESET)-*) .cache/done/$(SUMMARY)-$(EDITION)-* && \
	exec $(PY) -m sim2real run $(if $(OTHERS),$(OTHERS) $(addprefix --last ,$(LAST)),$(LAST)) --at-once $(AT_ONCE) --stamp '.cache/done/{}-$(RUN)' \
	EDITION=$(EDITION) PRESET=$(PRESET) TRIALS=$(TRIALS) N_MAX=$(N_MAX) WORKERS=$(WORKERS) SEED=$(SEED),:)

figures: $(READY) $(STAMPS)
	@$(RUN_STALE)
	@echo 'figures are in $(FOLDER) (remove .cache/done to draw them again)'

.cache/done/%-$(RUN): notebooks/%.ipynb $(INPUTS) | $(READY)
	$(eval STALE += $<)@:

ask: $(READY)
	$(PY) -m sim2real ask '$(TABLES)' --out '$(OUT)' --preset $(PRESET) --trials $(TRIALS) --workers $(WORKERS) --seed $(SEED)

report: $(READY)
	$(PY) -m sim2real report --edition $(EDITION) --preset $(PRESET)

# two processes, so that two cores are enough; tests of one group run in one process and share what they stored
PYTEST := $(PY) -m pytest -n 2 --dist loadgroup

test: $(READY)
	$(PYTEST) -m 'not slow and not browser'

test-slow: $(READY)
	$(PYTEST) -m 'slow and not browser'

test-all: $(READY)
	$(PYTEST) -m 'not browser'

# pins of the extra browser, which the lock does not hold
test-browser: $(READY)
	@$(PY) -c 'import playwright, axe_playwright_python' 2>/dev/null || $(PY) -m pip install --quiet axe-playwright-python==0.1.8 playwright==1.65.2
	$(PY) -m pytest -m browser tests/test_browser.py

# what is tried out there does not replace figures that git holds: those are drawn by make figures
lab: $(READY)
	@echo 'figures drawn in JupyterLab go to .cache/figures (FIGURES of a notebook chooses another folder)'
	SIM2REAL_FIGURES=$(CURDIR)/.cache/figures $(PY) -m jupyterlab --notebook-dir=notebooks --KernelManager.transport_encryption=auto

# of what can be built on: from docstrings
docs: $(READY)
	@$(PY) -c 'import pdoc' 2>/dev/null || $(PY) -m pip install --quiet pdoc==16.0.0
	$(PY) -m pdoc --docformat google --math --output-directory .cache/docs sim2real
	@echo 'documentation is in .cache/docs/index.html'

bench: $(READY)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(PY) $$script || exit $$?; done

calibration: $(READY)
	$(PY) benchmarks/calibrate.py

forecasts: $(READY)
	$(PY) benchmarks/forecast.py

clean:
	rm -rf .cache
