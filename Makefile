# The developer's and the artist's whole interface. `make` alone lists it.

PYTHON ?= python3
SIZE ?= 256x144
DATA_DIR ?= data
# As they were typed: a $ in a film's name is no variable of make's.
override FILM := $(value FILM)
override SIZE := $(value SIZE)
override DATA_DIR := $(value DATA_DIR)
export FILM SIZE DATA_DIR
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := experiments/runs/demo

.PHONY: help install demo frames test test-all
.DELETE_ON_ERROR:

help:
	@echo "make demo               Big Buck Bunny as a network remembers it, in minutes"
	@echo "make frames FILM=…      every frame of a film into data/ (SIZE=256x144, DATA_DIR=data)"
	@echo "make install            .venv, with everything that is needed"
	@echo "make test               lint and tests; make test-all: the slow ones too"

install: $(INSTALLED)

$(INSTALLED): setup.py
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "installing into .venv (TensorFlow is large: minutes)"
	@# First pip itself: the one that Python 3.10 brings looks for versions that fit for ever.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

frames: $(INSTALLED)
	@test -n "$$FILM" || { echo "autoencode: which film? make frames FILM=bladerunner.mkv" >&2; exit 2; }
	@$(BIN)/python -m autoencode.frames --film="$$FILM" --size="$$SIZE" --data_dir="$$DATA_DIR"

# A sample film, its frames, a training of a fixed length, the whole film again, and another film that was
# not learned. Each step finds out for itself what is left to do; films are rendered anew only after a training.
demo: $(INSTALLED)
	@echo "1/4 the films"
	@$(BIN)/python data/sample_films.py
	@echo "2/4 the frames of the one to learn"
	@$(BIN)/python -m autoencode.frames --film=data/films/big_buck_bunny.mp4 --size=96x64
	@echo "3/4 the training"
	@$(BIN)/python -m autoencode.train --run=demo --preset=demo --dataset=big_buck_bunny-96x64 --second_epochs=4
	@echo "4/4 the film as it is remembered, and another through the same memory"
	@$(MAKE) --no-print-directory --silent $(DEMO)/big_buck_bunny.mp4 $(DEMO)/city.mp4
	@echo "done; look at:"
	@echo "$(DEMO)/big_buck_bunny.mp4"
	@echo "$(DEMO)/city.mp4"
	@echo "$(DEMO)/contact_sheet.png"

RENDER := $(BIN)/python -m autoencode.render --run=demo --layout=side_by_side --height=320

$(DEMO)/big_buck_bunny.mp4 $(DEMO)/contact_sheet.png &: $(DEMO)/status.json
	@$(RENDER) --film=data/films/big_buck_bunny.mp4 --output=$(DEMO)/big_buck_bunny.mp4 \
		--contact_sheet=$(DEMO)/contact_sheet.png
	@touch $(DEMO)/big_buck_bunny.mp4 $(DEMO)/contact_sheet.png

$(DEMO)/city.mp4: $(DEMO)/status.json
	@$(RENDER) --film=data/films/city.mpg --output=$(DEMO)/city.mp4
	@touch $(DEMO)/city.mp4

# A half of the tests to each process, in the tree's order; the one that is done first takes over tests of the
# other.
test: $(INSTALLED)
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/pytest -m "not slow" -n 2 --dist worksteal

test-all: $(INSTALLED)
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/pytest -n 2 --dist worksteal
