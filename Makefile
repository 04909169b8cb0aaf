# SPDX-License-Identifier: Apache-2.0
# The commands of a working day. Everything is built below build/PRESET; `make VERBOSE=1 ...` shows the compiler.
.PHONY: help report build test test-full docs bless check-baseline lint tidy format asan tsan bench gpu-bundle install-check clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: ## build the command and compare the usual recipes, stage by stage
	@scripts/bootstrap
	@scripts/build release ulpscope
	@build/release/ulpscope report

build: ## build everything, tests and the Python module included
	@scripts/bootstrap
	@scripts/bootstrap python || [ $$? -eq 77 ]
	@scripts/build release

test: build ## build and run the quick tests
	@scripts/test release -L quick

test-full: build ## the quick tests and the long ones
	@scripts/test release

docs: build ## write the pages of docs/ that are computed
	@mkdir -p docs
	@ULPSCOPE_WRITE_DOCS=1 scripts/test release -R '^core/(decision_table|nan)$$'

bless: ## write tests/baseline.json anew: to be read in review before it is committed
	@scripts/bootstrap
	@scripts/build release ulpscope
	@scripts/bless tests/baseline.json

check-baseline: ## are the golden problems, in every built-in recipe, what tests/baseline.json says
	@scripts/bootstrap
	@scripts/build release ulpscope
	@build/release/ulpscope check tests/baseline.json

lint: ## format, include arrows, lengths, habits, shell scripts
	@scripts/bootstrap lint
	@scripts/lint

tidy: ## lint and clang-tidy
	@scripts/bootstrap lint
	@scripts/lint --tidy

format: ## let clang-format rewrite the C++ files
	@scripts/bootstrap lint
	@scripts/format

asan: ## the quick tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/bootstrap
	@scripts/build asan
	@scripts/test asan -L quick

tsan: ## the tests with threads under ThreadSanitizer
	@scripts/bootstrap
	@scripts/build tsan ulpscope_thread_tests
	@scripts/test tsan -L threads -L quick

bench: ## build and run the benchmarks
	@scripts/bootstrap bench
	@scripts/build bench
	@for program in build/bench/tests/bench/bench_*; do [ ! -x $$program ] || $$program || exit 1; done

gpu-bundle: ## one program that checks backend cuda on any machine with a device: build/gpu-bundle/ulpscope-gpu-check
	@scripts/bootstrap
	@scripts/build gpu-bundle ulpscope-gpu-check
	@ls -l build/gpu-bundle/ulpscope-gpu-check

install-check: build ## install into an empty prefix and build a small project against it
	@scripts/test release -R '^consumer$$' -V

clean: ## remove build/
	@rm -rf build
