# make run    boots an inittab with our init as PID 1 in a sandbox     (FILE=inittab, ARGS='--command "telinit 3"')
# make test   runs the tests
# make help   says what else there is

# Texts from outside, which recipes take from the environment: nothing in them is make's or the shell's to expand.
# Before all else: make 4.4 gives the shell function an environment with all of them expanded.
TEXTS := FILE APPEND SERIAL DISK BRING NET ACCEL C_INIT ANY_DISK SMALL SUITE ARCH
$(foreach name,$(TEXTS),$(eval override $(name) := $$(value $(name))))
export $(TEXTS)

PYTHON ?= python3
SYSTEM_PYTHON := /usr/bin/python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := $(shell find sysvinit_py -name '*.py')
# What pip downloads stays in the checkout, too.
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip

# $(call install,PACKAGES): as root, install those of Debian's packages that are missing; tell a user what root has to do.
define install
@command -v dpkg-query >/dev/null || exit 0; missing=; \
	for name in $(1); do \
		dpkg-query -Wf '$${Status}' $$name 2>/dev/null | grep -q ' installed$$' || missing="$$missing $$name"; \
	done; \
	[ "$$missing" ] || exit 0; \
	[ "$$(id -u)" = 0 ] || { echo "make: as root, do: apt-get update && apt-get install$$missing" >&2; exit 1; }; \
	echo "make: installing$$missing by apt-get" >&2; \
	export DEBIAN_FRONTEND=noninteractive; exec </dev/null >/dev/null; \
	apt-get update -qq; \
	apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $$missing
endef

# Debian has the module that makes a virtual environment in a package of its own.
VENV_PACKAGES = $(shell $(PYTHON) -c 'import ensurepip' 2>/dev/null || echo $(notdir $(PYTHON))-venv)
TEST_PACKAGES := python3 gcc libc6-dev procps busybox-static strace umockdev man-db graphviz
VM_PACKAGES = python3 $(if $(filter arm64,$(ARCH)),qemu-system-arm,qemu-system-x86) mmdebstrap e2fsprogs
CONTAINER_PACKAGES := mmdebstrap podman runc catatonit docker.io

new-enough = @$(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "make: $(1) is missing or older than 3.11" >&2; exit 1; }

.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help:
	@sed -n 's/^#: //p' Makefile

#: make run           boot an inittab in a sandbox, by default a built-in example (FILE=, ARGS=)
.PHONY: run
run: dist/init
	@$(SYSTEM_PYTHON) -m sysvinit_py.sandbox.cli --init dist/init $(ARGS) $${FILE:+-- "$$FILE"}

#: make test          the tests: unit, property, system, docs
HARD := $(addprefix tests/system/test_,reexec.py hot_swap.py live.py soak.py storms.py survival.py)
SERVICES := tests/system/services tests/faults/test_runit.py tests/faults/test_supervision.py
# A test waits more than it computes. Not more than two, though: some say how long a thing may take.
TWO_AT_ONCE := $(BIN)/pytest --numprocesses 2
.PHONY: test
test: test-packages $(READY) dist/init dist/runit
	$(TWO_AT_ONCE) $(addprefix --ignore=,$(HARD) $(SERVICES))

#: make one T=…       one test, file or folder of tests; T takes pytest's options, too
.PHONY: one
one: $(READY) dist/init dist/runit
	$(BIN)/pytest $(T)

.PHONY: test-packages
test-packages:
	$(call install,$(VENV_PACKAGES) $(TEST_PACKAGES))

#: make test-faults   PID 1's system calls fail, its functions raise, storms rage, inits swap; prints what it survived
.PHONY: test-faults
test-faults: test-packages $(READY) dist/init
	$(BIN)/pytest $(HARD); status=$$?; $(TWO_AT_ONCE) --timeout 600 $(addprefix --ignore=,$(SERVICES)) tests/faults && exit $$status

#: make soak          100,000 respawns and as many orphans: some 10 minutes; says what memory and zombies did
.PHONY: soak
soak: test-packages $(READY) dist/init
	SYSVINIT_PY_SOAK=100000 $(BIN)/pytest --capture=no tests/system/test_soak.py

#: make check         style and types
.PHONY: check
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

#: make coverage      every branch of the machine, the parser, the reports, the protocol and the logs is taken by unit and property tests
COVERED := machine inittab report protocol logs
.PHONY: coverage
coverage: $(READY)
	$(BIN)/coverage run --include=$$(printf 'sysvinit_py/%s/*,' $(COVERED)) -m pytest -q -m 'not timed' \
		$(foreach ring,$(COVERED),tests/unit/$(ring) tests/property/$(ring))
	$(BIN)/coverage report --fail-under=100

#: make dist/init     the one file that is /sbin/init and /sbin/telinit
#: make dist/runit    the one file that is runit's programs, each by the name it has
dist/init dist/runit: $(SOURCES)
	$(call install,python3)
	$(call new-enough,$(SYSTEM_PYTHON))
	$(SYSTEM_PYTHON) -m sysvinit_py.build.onefile $@

#: make parser        make the parser anew from grammar/inittab.lark
.PHONY: parser
parser: $(READY)
	$(BIN)/python grammar/generate.py

#: make bench         our init beside Debian's sysvinit and others, measured (ARGS=--quick)
.PHONY: bench
bench: $(READY) dist/init dist/runit
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m bench $(ARGS)

#: make vm            boot a Debian machine with our init in QEMU (APPEND=, SERIAL=FILE, DISK=FILE, BRING=PATH,
#:                    NET=user, ACCEL=kvm, C_INIT=yes, ANY_DISK=yes, SMALL=yes, SUITE=trixie, ARCH=arm64)
.PHONY: vm
vm: vm-packages $(READY) dist/init
	@$(BIN)/python -m sysvinit_py.vm --init dist/init $${APPEND:+"--append=$$APPEND"} \
		$${SERIAL:+"--serial=$$SERIAL"} $${DISK:+"--disk=$$DISK"} $${BRING:+"--bring=$$BRING"} \
		$${NET:+"--net=$$NET"} $${ACCEL:+"--accel=$$ACCEL"} $(if $(C_INIT),--c-init) $(if $(ANY_DISK),--any-disk) \
		$(if $(SMALL),--small) $${SUITE:+"--suite=$$SUITE"} $${ARCH:+"--arch=$$ARCH"}

#: make image         the smallest bootable image, without any C init package, in dist/image; boots it, and says its size
#:                    and time to boot beside the same image with sysvinit-core (SUITE=trixie, ARCH=arm64)
.PHONY: image
image: vm-packages $(READY) dist/init
	@$(BIN)/python -m bench.image --init dist/init $${SUITE:+"--suite=$$SUITE"} $${ARCH:+"--arch=$$ARCH"}

#: make test-image    every way to boot and to end that image (SUITE=trixie, ARCH=arm64): ten minutes
.PHONY: test-image
test-image: vm-packages $(READY) dist/init
	SYSVINIT_PY_IMAGE="$${SUITE:-bookworm} $${ARCH:-amd64}" SYSVINIT_PY_PATIENCE=$${SYSVINIT_PY_PATIENCE:-3} \
		$(BIN)/pytest --timeout 3000 --durations 5 tests/vm/test_image.py

#: make test-vm       boot it in many ways and on Debian's init, without KVM; prints what ours takes more or less
.PHONY: test-vm
test-vm: vm-packages test-packages $(READY) dist/init
	$(call install,$(DEB_PACKAGES) lintian)
	$(TWO_AT_ONCE) --dist loadscope --timeout 600 -m 'not alone and not nightly' tests/vm; status=$$?; \
		$(BIN)/pytest --timeout 600 -m alone tests/vm && exit $$status

#: make test-vm-nightly what takes too long for every change: five real services below runsvdir, in a bigger image,
#:                    and an upgrade of the Python that PID 1 runs; some 15 minutes
.PHONY: test-vm-nightly
test-vm-nightly: vm-packages test-packages $(READY) dist/init dist/runit
	$(call install,$(DEB_PACKAGES))
	$(BIN)/pytest --timeout 1800 -m nightly --ignore tests/vm/test_image.py --ignore tests/vm/test_deb.py tests/vm

#: make test-deb      the Debian packages: each way to and from other inits, upgrades, dpkg killed; half an hour
.PHONY: test-deb
test-deb: vm-packages test-packages $(READY)
	$(call install,$(DEB_PACKAGES) lintian)
	$(TWO_AT_ONCE) --timeout 900 -m nightly tests/vm/test_deb.py

#: make test-container containers with several processes, under podman and docker; four minutes
.PHONY: test-container
test-container: test-packages $(READY) dist/init
	$(call install,$(CONTAINER_PACKAGES))
	$(TWO_AT_ONCE) tests/container

#: make test-services  service supervision, beside Debian's runit, and what fails there; four minutes
.PHONY: test-services
test-services: test-packages $(READY) dist/init dist/runit
	$(TWO_AT_ONCE) --timeout 600 -m 'not nightly' $(SERVICES)

.PHONY: vm-packages
vm-packages:
	$(call install,$(VENV_PACKAGES) $(VM_PACKAGES))

#: make man           the man pages, in dist/man
.PHONY: man
man: $(READY)
	$(BIN)/python -m sysvinit_py.build.manual dist/man

#: make completions   the completions of bash, zsh and fish, in dist/share
.PHONY: completions
completions: $(READY)
	$(BIN)/python -m sysvinit_py.build.completion dist/share

#: make docs          the documentation as a site, in dist/docs; a warning is an error
.PHONY: docs
docs: $(READY)
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs dist/docs

#: make picture       the README's picture of inittab status, docs/status.svg, from a real run
.PHONY: picture
picture: $(READY) dist/init
	$(BIN)/python docs/draw_status.py dist/init

#: make deb           Debian packages, in dist: init, telinit and inittab; and runit's programs
DEB_PACKAGES := debhelper dpkg-dev dh-python pybuild-plugin-pyproject python3-docutils python3-setuptools python3-wheel
DEB_SOURCES := debian docs grammar inittab.d man sysvinit_py CHANGES.rst LICENSE README.rst pyproject.toml setup.cfg setup.py
.PHONY: deb
deb:
	$(call install,$(DEB_PACKAGES))
	# What it builds with is in the line above; build-essential is not needed, as nothing is compiled.
	rm -rf build/deb
	mkdir -p build/deb/sources dist
	cp -a $(DEB_SOURCES) build/deb/sources
	cd build/deb/sources && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
	mv build/deb/*.deb dist

#: make clean         remove what was made
.PHONY: clean
clean:
	rm -rf $(VENV) .cache build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage

# A virtual environment of our own.
$(BIN)/python:
	$(call install,$(VENV_PACKAGES))
	$(call new-enough,$(PYTHON))
	$(PYTHON) -m venv $(VENV)

$(READY): $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
