# make demo   the main job, played on this machine: no Docker, no AWS account
# make check  seconds: formatting, lint, types, import rules, template, unit tests
# make test   everything, sam build and the deployed end-to-end suite included
# make bench  calls counted, CPU time measured; writes benchmarks/results/ and docs/performance.md
# make soak   random histories of watching and of telling, for an hour (SOAK_SECONDS=…); prints the seed of each fault
# make deploy to your account
# make reproducible  builds the layer twice and compares; make sbom, make audit: what is in it, and what is known of that

SHELL := /bin/bash -o pipefail
.DELETE_ON_ERROR:
.SUFFIXES:

# Python 3.13, as Lambda runs it: on PATH, of pyenv, or of uv.
works = $(shell [ -x "$(1)" ] && "$(1)" -c 'import sys, venv, ensurepip; assert sys.version_info[:2] == (3, 13); print(sys.executable)' 2>/dev/null)
candidates = $(shell type -aP python3.13 python3 python 2>/dev/null) \
             $(sort $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13*/bin/python3.13)) \
             $(shell uv python find --no-project 3.13 2>/dev/null)
PYTHON ?= $(firstword $(foreach each,$(candidates),$(call works,$(each))))

UV_VERSION := 0.13.8
UV := .uv/bin/uv
SYNC = env -u VIRTUAL_ENV $(UV) sync --frozen --quiet --python "$(PYTHON)"
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup demo check format lint types unit test scan calls forget-calls build e2e bench soak soak-watching soak-telling deploy reproducible sbom audit lock generate aws-news clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

$(UV): Makefile
	@[ -n "$(PYTHON)" ] || { echo 'Sagewatch needs Python 3.13 with venv, and found none on PATH, in pyenv or in uv.' >&2; \
		echo 'Install it (pyenv install 3.13, uv python install 3.13), or name it: make PYTHON=/path/to/python3.13' >&2; exit 1; }
	@echo "Installing into .venv* from the lock, with $(PYTHON)"
	@"$(PYTHON)" -m venv --clear .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.locked: pyproject.toml uv.lock | $(UV)
	@$(SYNC) && touch $@

.venv-sam/.locked: uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-sam $(SYNC) --only-group sam && touch $@

.venv-emu/.locked: uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-emu $(SYNC) --only-group emulators && touch $@

.venv-rt/.locked: uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-rt $(SYNC) --only-group runtime && touch $@

.venv-checkov/.locked: uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-checkov $(SYNC) --only-group checkov && touch $@

setup: .venv/.locked .venv-sam/.locked .venv-emu/.locked .venv-rt/.locked

demo: setup
	@.venv/bin/sagewatch local demo $(if $(KEEP),--keep)

# ---------------------------------------------------------------------------------------------------------- checks
check: setup format lint types unit

format: setup
	.venv/bin/ruff format --check .

lint: setup
	.venv/bin/ruff check .
	PYTHONPATH=.:layers/core:cli .venv/bin/lint-imports --no-cache
	.venv/bin/cfn-lint -a cfn_lint_serverless.rules
	@diff <($(EXPORT)) layers/core/requirements.txt || { echo 'layers/core/requirements.txt is not what uv.lock says: make lock' >&2; exit 1; }

types: setup
	.venv/bin/mypy

unit: setup
	.venv/bin/pytest -q -n 2 tests/unit

# ---------------------------------------------------------------------------------------------------------- everything
test: forget-calls check scan
	.venv-sam/bin/sam validate --lint
	.venv/bin/pytest -q -n 2 tests/model
	.venv/bin/pytest -q -n 2 tests/integration
	.venv/bin/pytest -q -n 2 --dist worksteal tests/model_telling
	.venv/bin/pytest -q tests/e2e

# After make test: whether anything that the roles allow was called by nobody.
calls: setup
	PYTHONPATH=.:layers/core:cli .venv/bin/python -m tests.recorder

forget-calls:
	@rm -rf .cache/aws-calls

# Checkov on the template as CloudFormation gets it; what is skipped is in tests/scanned.py, beside its reason.
scan: setup .venv-checkov/.locked
	@mkdir -p .cache
	PYTHONPATH=.:layers/core:cli .venv/bin/python -m tests.scanned > .cache/template.json
	.venv-checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet --file .cache/template.json

e2e: setup
	.venv/bin/pytest -q tests/e2e

bench: setup
	.venv/bin/python -m benchmarks.figures
	.venv/bin/python -m benchmarks.aws_calls
	.venv/bin/python -m benchmarks.plan_command
	.venv/bin/python -m benchmarks.start_command
	.venv/bin/python -m benchmarks.lost_messages
	.venv/bin/python -m benchmarks.outages

soak: setup
	@$(MAKE) --no-print-directory -j2 soak-watching soak-telling

# make soak-watching HISTORY=Edited SEED=17 plays one history again, without the steps that it fails without
soak-watching: setup
	@POWERTOOLS_LOG_LEVEL=CRITICAL PYTHONPATH=.:layers/core:cli HISTORY=$(HISTORY) SEED=$(SEED) SOAK_SECONDS=$(or $(SOAK_SECONDS),3600) \
		.venv/bin/python -m tests.model.soak

soak-telling: setup
	@SOAK_SECONDS="$(or $(SOAK_SECONDS),3600)" SEED="$(or $(SEED),0)" .venv/bin/python -m tests.model_telling.soak

# ---------------------------------------------------------------------------------------------------------- deploy
# sam needs a python3.13 with pip on PATH.
build: setup
	PATH="$(dir $(PYTHON)):$$PATH" .venv-sam/bin/sam build

deploy: build
	.venv-sam/bin/sam deploy --guided

# ---------------------------------------------------------------------------------------------------------- release
# Two builds of the layer, in two folders, must be the same to the byte.
reproducible: setup
	@rm -rf .cache/layer && mkdir -p .cache/layer/one .cache/layer/two/deeper
	PATH="$(dir $(PYTHON)):$$PATH" $(MAKE) --no-print-directory -C layers/core build-CoreLayer ARTIFACTS_DIR="$(CURDIR)/.cache/layer/one"
	PATH="$(dir $(PYTHON)):$$PATH" $(MAKE) --no-print-directory -C layers/core build-CoreLayer ARTIFACTS_DIR="$(CURDIR)/.cache/layer/two/deeper"
	@.venv/bin/python -m scripts.release same .cache/layer/one .cache/layer/two/deeper

# What is in the layer, in CycloneDX's form, from the lock; written into sbom.json.
sbom: setup
	@mkdir -p .cache
	$(UV) export --frozen --quiet --only-group layer --no-emit-project --format cyclonedx1.5 > .cache/sbom.json
	@.venv/bin/python -m scripts.release listed .cache/sbom.json layers/core/requirements.txt
	@mv .cache/sbom.json sbom.json

# Asks PyPI for known vulnerabilities of what is in the layer. Without a network it fails, and says that nothing was looked at.
PIP_AUDIT_VERSION := 2.10.1
audit: setup
	@mkdir -p .cache && rm -f .cache/audit.json
	-$(UV) tool run --python "$(PYTHON)" pip-audit==$(PIP_AUDIT_VERSION) --strict --disable-pip --require-hashes \
		--requirement layers/core/requirements.txt --format json --output .cache/audit.json
	@.venv/bin/python -m scripts.release audited .cache/audit.json layers/core/requirements.txt

# ---------------------------------------------------------------------------------------------------------- upkeep
EXPORT = $(UV) export --frozen --quiet --only-group layer --no-emit-project --no-header --format requirements-txt

lock: $(UV)
	$(UV) lock --python "$(PYTHON)"
	$(EXPORT) > layers/core/requirements.txt

# What is derived from the kinds' declarations: docs/catalogue.md, and the parts of template.yaml between marks.
generate: setup
	.venv/bin/python -m scripts.generate

# What the locked botocore knows of SageMaker and CloudWatch, and the product does not; after `make lock`.
aws-news: setup
	.venv/bin/python -m scripts.aws_news

clean:
	rm -rf .venv .venv-sam .venv-emu .venv-rt .venv-checkov .uv .aws-sam .cache
