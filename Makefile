# SPDX-License-Identifier: GPL-2.0
#
# For people; what kbuild reads is Kbuild. The lab's part is in scripts/.

PREFIX ?= /usr
DESTDIR ?=
KERNELDIR ?= /lib/modules/$(shell uname -r)/build
DEPMOD ?= depmod
UNITDIR ?= /lib/systemd/system

all: module tool

module: headers
	+@$(MAKE) -C "$(KERNELDIR)" M="$(CURDIR)" modules

tool:
	+@$(MAKE) -C tools/sipalg-ctl

# For a pair of routers; it wants libhiredis-dev.
sync:
	+@$(MAKE) -C tools/sipalg-sync

sync_install: sync
	+@$(MAKE) -C tools/sipalg-sync PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" install
	install -D -m 644 dist/sipalg-sync.service "$(DESTDIR)$(UNITDIR)/sipalg-sync.service"
	test -e "$(DESTDIR)/etc/sipalg-sync.conf" || install -D -m 600 dist/sipalg-sync.conf "$(DESTDIR)/etc/sipalg-sync.conf"

headers:
	@test -e "$(KERNELDIR)/Makefile" || { \
		echo "There are no kernel headers in $(KERNELDIR): apt-get install linux-headers-$(shell uname -r), or name others by KERNELDIR=." >&2; exit 1; }

install: modules_install tool_install

# All but the module: what the Debian package sipalg-ctl holds.
tool_install: tool
	+@$(MAKE) -C tools/sipalg-ctl PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" install
	install -D -m 644 dist/sipalg.4 "$(DESTDIR)$(PREFIX)/share/man/man4/sipalg.4"
	install -D -m 644 dist/sipalg.service "$(DESTDIR)$(UNITDIR)/sipalg.service"
	test -e "$(DESTDIR)/etc/sipalg.conf" || install -D -m 644 dist/sipalg.conf "$(DESTDIR)/etc/sipalg.conf"

# Which release that is, the module says itself: Debian's headers name another.
modules_install: module
	+@$(MAKE) -C "$(KERNELDIR)" M="$(CURDIR)" INSTALL_MOD_PATH="$(DESTDIR)" INSTALL_MOD_DIR=updates modules_install
	$(DEPMOD) -a -b "$(or $(DESTDIR),/)" "$$(modinfo -F vermagic sipalg.ko | cut -d ' ' -f 1)"

demo:
	@scripts/demo

demo-failover:
	@scripts/demo-failover

failover:
	@scripts/failover

check:
	@scripts/check

fuzz:
	@tests/fuzz/run

fuzz-kernel:
	@tests/fuzz_kernel/run $(SECONDS)

stress:
	@scripts/stress

faces-compare:
	@scripts/faces-compare

tcp-oracle:
	@scripts/tcp-oracle $(or $(SEEDS),1-1000)

differ:
	@scripts/differ $(or $(SEEDS),1-1000)

bench:
	@scripts/bench

capacity:
	@scripts/capacity

interop:
	@scripts/interop

coverage:
	@scripts/coverage

deb:
	@scripts/deb

deb-test:
	@scripts/deb-test

host-test:
	@scripts/host-test

matrix:
	@scripts/matrix

arch:
	@scripts/arch

generate:
	@scripts/generate

lint:
	@scripts/lint

# The built kernels stay, since they take minutes; distclean forgets them too.
clean:
	@rm -rf build/module-* build/logs build/run build/deb build/deb-test/system-* build/system/host-*
	@rm -f *.ko *.mod *.mod.c *.o .*.cmd Module.symvers modules.order
	@find src tests/kunit '(' -name '*.o' -o -name '.*.cmd' -o -name '*.mod' ')' -exec rm -f {} +
	+@$(MAKE) -C tools/sipalg-ctl clean
	+@$(MAKE) -C tools/sipalg-sync clean

distclean: clean
	@rm -rf build

help:
	@echo 'make                 sipalg.ko for the running kernel (or KERNELDIR=) and sipalg-ctl'
	@echo 'make install         both, with depmod; PREFIX= and DESTDIR= as usual'
	@echo 'make modules_install only the module'
	@echo 'make sync            sipalg-sync, for a pair of routers; make sync_install'
	@echo 'make demo            a phone behind a NAT talks both ways, in an emulated machine'
	@echo 'make demo-failover   a call goes on when its router dies, with two of them'
	@echo 'make failover        two and three routers with real daemons and phones, and what can happen to them'
	@echo 'make check           every test but bench/cycles (scripts/check PATTERN runs some of them)'
	@echo 'make fuzz            random messages against the parser'
	@echo 'make fuzz-kernel     random packets and requests against the running module, led by coverage'
	@echo 'make stress          20 minutes of calls and trouble in kernels that find faults'
	@echo 'make tcp-oracle       TCP over random bad lines against an oracle'
	@echo 'make differ          random networks, parties and dialogs, with this module and without NAT'
	@echo 'make faces-compare   the network changes: with this module, another helper, none'
	@echo 'make bench           what a message costs, here and in the kernel'"'"'s own helper'
	@echo 'make capacity        calls with audio on machines with 128 MB to 4 GB'
	@echo 'make interop         real phones, a proxy and Asterisk, with this module and without'
	@echo 'make coverage        which lines of src/ the tests run, in four minutes'
	@echo 'make deb             Debian packages sipalg-dkms and sipalg-ctl, in build/deb'
	@echo 'make deb-test        those in systems of their own, Debian 12 and 13, on two kernels of each'
	@echo 'make host-test       this lab in clean roots of Debian 12 and 13; takes long'
	@echo 'make matrix          Debian'"'"'s kernels from 6.1 to the newest: built for, and tried in QEMU'
	@echo 'make arch            processors beside amd64: built for, and tried in QEMU'
	@echo 'make generate        what is made of spec/sipalg.yaml: uapi header, netlink policies'
	@echo 'make lint            what reads the sources: checkpatch, sparse, coccicheck, clang, shellcheck, pyflakes'
	@echo 'make clean           forget what was built, but for the kernels of the lab'
	@echo 'make distclean       forget them too'

.PHONY: all module tool sync sync_install headers install modules_install demo demo-failover failover check fuzz fuzz-kernel stress faces-compare tcp-oracle differ bench capacity interop coverage matrix arch deb deb-test host-test generate lint clean distclean help
