# Rootline. `make help` lists the targets; nothing but python3 (3.11+), pip and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check lint type fmt bench faults faults-quick faults-receivers soak train evaluate evaluate-simulated evaluate-public evaluate-tvdiag kafka test-kafka fuzz sbom audit clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv

# Debian's python3 comes without ensurepip unless python3-venv is there: then the system's pip
# installs pip into the new environment.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Rootline needs Python 3.11 or later; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }
	@echo "installing into $(VENV) (about a minute the first time)"
	@$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -q --editable . --group dev
	@touch $@

demo: $(STAMP)  ## play the storm end to end on an embedded broker
	@$(BIN)/rootline demo

# A process a core; the tests of a file stay together, for they share what they have started.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

test: $(STAMP)  ## run the tests
	$(PYTEST) -m 'not slow'

test-slow: $(STAMP)  ## run the long rest: every fault, training from the whole library
	$(PYTEST) -m slow tests

# The jars that the tests start Apache Kafka from. Needs a JDK 17+ and Maven.
KAFKA_JARS := build/kafka
MVN        ?= mvn

kafka: $(KAFKA_JARS)/.fetched  ## fetch Apache Kafka for the tests (JDK 17+, Maven)

$(KAFKA_JARS)/.fetched: tests/clusters/pom.xml
	@command -v $(MVN) >/dev/null || { echo "make kafka needs Maven and a JDK 17+ (Debian: apt-get install maven openjdk-17-jdk-headless)"; exit 1; }
	@rm -rf $(KAFKA_JARS)
	$(MVN) -q -B -Dstyle.color=never -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(abspath $(KAFKA_JARS))
	@touch $@

# The suites that a cluster carries, unchanged: `make test` runs them on the embedded broker.
ON_CLUSTER := tests/contracts/broker tests/integration tests/kafka_security $(addprefix tests/agents/worker/test_, \
              command.py durable.py ending.py publisher.py topics.py verdicts.py worker.py)
ON_THREE   := tests/contracts/broker/test_durability.py tests/contracts/broker/test_records.py \
              tests/contracts/broker/test_idempotence.py tests/contracts/broker/test_topics.py \
              tests/agents/worker/test_durable.py

# `make faults FAULTS='--rows kill --minutes 30'` makes a part of it; `--cluster apache` the same on Apache Kafka.
FAULTS ?=
faults: $(STAMP)  ## disturb it in every way, hundreds of runs (hours), report in build/faults
	$(BIN)/python -m tests.faults $(FAULTS)

faults-quick: $(STAMP)  ## a few runs of each fault, shorter outages, under 5 minutes
	$(BIN)/python -m tests.faults --quick --minutes 3 $(FAULTS)

faults-receivers: $(STAMP)  ## chat receivers fail in ten ways for 10 minutes (12 minutes)
	$(BIN)/python -m tests.agents.notifier.failing

test-kafka: $(STAMP) kafka  ## the same contract and integration suites on Apache Kafka
	ROOTLINE_TEST_CLUSTER=apache $(BIN)/python -m pytest -m 'not slow' $(ON_CLUSTER)
	ROOTLINE_TEST_CLUSTER=apache3 $(BIN)/python -m pytest -m 'not slow' $(ON_THREE)

check: lint type  ## what CI runs besides the tests

lint: $(STAMP)  ## ruff and import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

type: $(STAMP)  ## mypy --strict
	$(BIN)/mypy

fmt: $(STAMP)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## run the benchmarks
	$(BIN)/python -m bench

# SOAK="--minutes 15 --alerts 20000 --topology random-30" and the like; `python -m bench.soak --help`.
soak: $(STAMP)  ## an hour of storms of 100,000 alerts with telemetry: nothing lost, memory flat
	$(BIN)/python -m bench.soak $(SOAK)

train: $(STAMP)  ## train the shipped ranker again from the shipped case rows
	$(BIN)/rootline train

# What `make evaluate` runs is explained in docs/EVALUATION.md. The ranker is trained on seeds below 1000.
OUT      := build/evaluation
PUBLIC   := $(or $(ROOTLINE_DATASETS),../shared/datasets)
EVALUATE := $(BIN)/rootline evaluate --json
SHORT    := --rate 10 --warmup 420 --storm 240
SHOP     := pool_exhaustion slow_query cpu_saturation silent_freeze cert_expiry bad_deploy none
RANDOM   := 90011=lock_contention 90012=crash_loop 90013=network_delay 90014=memory_gc \
            90015=cache_failure 90016=external_outage 90017=connection_leak 90018=queue_backlog \
            90019=retry_storm 90020=none

evaluate: $(STAMP)  ## judge the ranker on unseen simulations and public sets, renew docs/EVALUATION.md
	@rm -rf $(OUT) && mkdir -p $(OUT)/recordings
	@$(MAKE) --no-print-directory evaluate-simulated
	@if test -d $(PUBLIC); then $(MAKE) --no-print-directory evaluate-public; else \
	  echo "The public sets are not in $(PUBLIC) (ROOTLINE_DATASETS names their folder), so only simulated recordings are judged."; fi
	@$(BIN)/python -m agents.evaluation.report $(OUT)/report.html $(OUT)/*.json
	@$(BIN)/python -m agents.evaluation.report_markdown $(OUT)/*.json
	@echo "The report is $(OUT)/report.html; the tables of docs/EVALUATION.md are renewed."

evaluate-simulated: $(STAMP)
	@for fault in $(SHOP); do $(BIN)/rootline simulate $$fault --seed 90001 $(SHORT) --out $(OUT)/recordings/simulated/shop-$$fault >/dev/null || exit 1; done
	@for run in $(RANDOM); do $(BIN)/rootline simulate $${run#*=} --seed $${run%=*} --topology random $(SHORT) --out $(OUT)/recordings/simulated/random-$${run#*=} >/dev/null || exit 1; done
	$(EVALUATE) $(OUT)/recordings/simulated --baselines --without each > $(OUT)/simulated.json
	$(EVALUATE) $(OUT)/recordings/simulated --perturb 2 --protocol online > $(OUT)/perturbed.json
	$(EVALUATE) $(addprefix $(OUT)/recordings/simulated/shop-,pool_exhaustion cpu_saturation bad_deploy none) --grouping --protocol online > $(OUT)/storms.json

evaluate-public: $(STAMP)
	@for set in petshop:petshop rcd:rcd-sockshop nezha:nezha tvdiag:tvdiag; do \
	  if test -d $(PUBLIC)/$${set#*:}; then $(BIN)/rootline import $${set%:*} $(PUBLIC)/$${set#*:} $(OUT)/recordings/public >/dev/null || exit 1; \
	  else echo "$${set%:*} is not in $(PUBLIC) and is left out."; fi; done
	$(EVALUATE) $(OUT)/recordings/public --baselines --without each > $(OUT)/public.json
	@if test -d $(OUT)/recordings/public/tvdiag; then $(MAKE) --no-print-directory evaluate-tvdiag; fi

evaluate-tvdiag: $(STAMP)
	$(EVALUATE) $(OUT)/recordings/public/tvdiag/gaia --cross-validate 5 --fold-by case > $(OUT)/tvdiag-gaia.json
	$(EVALUATE) $(OUT)/recordings/public/tvdiag/sockshop --cross-validate 5 --fold-by case > $(OUT)/tvdiag-sockshop.json
	$(EVALUATE) $(OUT)/recordings/public/tvdiag --with-library --split leave-one-system-out > $(OUT)/tvdiag-others.json

fuzz: $(STAMP)  ## fuzz every reader of foreign bytes (FUZZ_SECONDS each, TARGETS to choose)
	@$(BIN)/python -m pip install -q --group fuzz || echo "atheris has no wheel for this machine; fuzzing goes on without it"
	$(BIN)/python -m tests.fuzz.campaign --seconds $(or $(FUZZ_SECONDS),60) $(TARGETS)

# What is shipped is what an installation has, not what development needs, so both work on one of their own.
RUNTIME := build/runtime
TOOLS   := build/tools
SITE    = $$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

$(RUNTIME)/.installed: $(STAMP)
	@$(BIN)/python -m venv --clear --without-pip $(RUNTIME)
	@$(BIN)/python -m pip --python $(RUNTIME)/bin/python install -q .
	@touch $@

$(TOOLS)/.installed: $(STAMP)
	@$(BIN)/python -m venv --clear --without-pip $(TOOLS)
	@$(BIN)/python -m pip --python $(TOOLS)/bin/python install -q --group audit pip
	@touch $@

sbom: $(RUNTIME)/.installed $(TOOLS)/.installed  ## list what is shipped and its licences in build/sbom.json (CycloneDX)
	@$(TOOLS)/bin/cyclonedx-py environment $(RUNTIME)/bin/python --pyproject pyproject.toml --output-reproducible \
	  --spec-version 1.6 --output-format JSON --validate --output-file build/sbom.json
	@$(BIN)/python .ci/licences.py build/sbom.json build/licences.md

audit: $(RUNTIME)/.installed $(TOOLS)/.installed  ## ask a vulnerability service about everything installed
	@$(BIN)/python .ci/audit.py $(TOOLS)/bin/pip-audit $(call SITE,$(RUNTIME)) $(call SITE,$(VENV))

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
