# The course's two commands are `make course` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install course site pdf screenshots release class test lint lock benchmark browser sandbox clean

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python that the pinned packages support (3.11 to 3.13) and that really runs: a shim may not.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell \
  $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $(p))))

help: ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

install: $(BIN)/.installed ## set up .venv with the exact versions of requirements.txt

course: release site class ## set up everything: the site, the learners' release, a graded sample class
	@echo
	@echo "The website:      file://$(CURDIR)/_build/html/index.html"
	@echo "The class report: file://$(CURDIR)/_build/class/graded/report.html"

site: install ## build the website (warnings are errors)
	$(BIN)/course site

pdf: site browser ## print the whole website as one book, _build/pneumonia-course.pdf
	$(BIN)/course pdf

screenshots: site browser ## take pictures of every page, two widths, light and dark, into _build/screenshots
	$(BIN)/course screenshots

release: install ## generate the learners' notebooks, exercises/, from solutions/
	$(BIN)/course release

class: _build/class/graded/report.html ## write a sample class of eight submissions and grade it

# What the sample class and its grades depend on: with nothing changed there is nothing to grade again.
_build/class/graded/report.html: $(BIN)/.installed $(shell find autograder solutions course -name '*.py' -o -name '*.ipynb')
	@$(MAKE) --no-print-directory sandbox || echo "Without it, the sample class is graded with no sandbox: it is the course's own."
	$(BIN)/course sample _build/class/submitted
	$(BIN)/course grade _build/class/submitted --output _build/class/graded \
	  --sandbox $$(command -v bwrap >/dev/null && echo bubblewrap || echo none)

# $(call debian,PACKAGE): install it where that is permitted, else say what to ask for and fail.
debian = { echo "Installing Debian's $(1)"; \
  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq -y $(1) >/dev/null; \
  elif sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -qq -y $(1) >/dev/null; \
  else echo "Not permitted. Ask for: apt-get install $(1)" >&2; exit 1; fi; }

browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || $(call debian,chromium)

sandbox:
	@command -v bwrap >/dev/null || $(call debian,bubblewrap)

lint: install ## formatter and linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: install browser sandbox lint ## run the whole test suite
	$(BIN)/python -m pytest

benchmark: install ## measure speed as ratios, side by side on this machine
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock: install ## compile requirements.txt anew from requirements.in
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements.in --output-file requirements.txt

clean: ## remove what was built (the downloads in the cache stay)
	rm -rf _build
