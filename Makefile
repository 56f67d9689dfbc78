# The two commands of the README, and what they are made of. Everything else is CMake: see HACKING.md.
CCACHE ?= $(shell command -v ccache)
export CCACHE
export CCACHE_SLOPPINESS = pch_defines,time_macros,include_file_mtime,include_file_ctime
JOBS ?= $(shell nproc)
# tests wait too: for clocks, the disk, other programs
TEST_JOBS ?= $(shell expr $(JOBS) + 1)

.PHONY: help demo demo-full test test-slow mutate build program configure setup assets bench package image format clean

help:
	@echo "make demo       set up, build and run the whole path on the stack task (about 25 minutes)"
	@echo "make test       set up, build and run every test (about 18 minutes)"
	@echo "make demo-full  the same path in a larger size (about 75 minutes)"
	@echo "make test-slow  a thousand kills, a dataset of 4 GB, 20000 scripts of faults (about 10 minutes)"
	@echo "make assets     textures and panoramas for plans that show pictures, into .deps/assets (50 MB of 225 MB fetched)"
	@echo "make package    build/release/understudy-*.tar.gz and .deb"
	@echo "make image      build/release/understudy-*.oci.tar, for Podman, Apptainer, Enroot and Pyxis"
	@echo "make mutate     one-line faults that tests must notice (half an hour; resumes where it was stopped)"
	@echo "make bench      benchmarks;  make format  clang-format;  make clean  remove build/"

setup:
	@tools/setup.sh

# pictures that plans may name; nothing else needs them
assets:
	@tools/assets.py

configure: setup
	@test -f build/release/build.ninja || cmake --preset release

# the program alone: the demo needs no test programs
program: configure
	@cmake --build build/release -j $(JOBS) --target understudy

build: configure
	@cmake --build build/release -j $(JOBS)

demo: program
	@build/release/understudy run demo/stack.yaml $(if $(FORCE),--force)

demo-full: program
	@build/release/understudy run demo/stack_full.yaml $(if $(FORCE),--force)

test: build
	@tools/setup.sh tests
	@ctest --test-dir build/release --output-on-failure --parallel $(TEST_JOBS) --exclude-regex '^Slow(Store|Teleop|Safety|Scenes)' $(CTEST_ARGS)

# a thousand kills, four gigabytes, two million commands: ten minutes, and 10 GB of the temporary folder
test-slow: build
	@ctest --test-dir build/release --output-on-failure --tests-regex '^Slow(Store|Teleop|Safety|Scenes)' $(CTEST_ARGS)

# each listed fault is compiled alone and linked before the objects of the build; see tools/mutations.py
mutate: build
	@tools/mutate.py $(MUTATE_ARGS)

bench: setup
	@cmake --preset release -DBUILD_BENCHMARKS=ON
	@cmake --build build/release -j $(JOBS)
	@for b in build/release/bench/*_bench; do $$b; done

# packages of older versions would be taken for this one's
package: program
	@rm -f build/release/understudy*.deb build/release/understudy*.tar.gz
	@cmake --build build/release --target package

# Debian 12 with the .deb in it, as an OCI archive; then the whole path in miniature within it
image: package
	@tools/make_image.sh build/release
	@python3 tests/package/image_test.py 'build/release/understudy-*.oci.tar'

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-14 -i

clean:
	rm -rf build
