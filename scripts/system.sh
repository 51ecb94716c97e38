# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Minimal systems of Debian's releases below build/system/, which know nothing of
# this machine. Source it after suite.sh.
#
#	system_base SUITE            build/system/SUITE, as debootstrap leaves it; made once
#	system_copy SUITE DIR        a copy of that to install in
#	system_run DIR COMMAND...    as root, in DIR

system_base()
{
	local base=$BUILD/system/$1

	apt_need debootstrap debian-archive-keyring util-linux
	mkdir -p "$BUILD/system"
	# two scripts that both want it: the second finds it done
	exec 7>"$BUILD/.system-$1.lock"
	flock 7
	[ -d "$base" ] || step "Making a minimal $1" "debootstrap-$1" system_make "$1" "$base" ||
		die "$(apt_failure "$LOGS/debootstrap-$1.log" "a minimal $1")"
	exec 7>&-
}

system_make()
{
	rm -rf "$2.new"
	debootstrap --variant=minbase --keyring="$KEYRING" --include=debian-archive-keyring \
		"$1" "$2.new" "$(suite_mirror)" || return
	# It is thrown away: nothing of it has to outlive a power failure.
	echo force-unsafe-io >"$2.new/etc/dpkg/dpkg.cfg.d/lab"
	mv "$2.new" "$2"
}

system_copy()
{
	rm -rf "$2"
	mkdir -p "${2%/*}"
	cp -a "$BUILD/system/$1" "$2"
}

# What is mounted for it is gone when it ends, however it ends. Packages that
# were fetched stay for the next time, of each release for itself. Its root is a
# mount, as that of a machine: who makes a mount namespace there finds one.
system_run()
{
	local root=$1 archives
	archives=$BUILD/system/archives-$(sed -n 's/^VERSION_CODENAME=//p' "$root/etc/os-release")
	shift

	mkdir -p "$archives/partial"
	timeout 5400 unshare --mount --pid --fork --kill-child bash -euc '
		root=$1
		mount --bind "$root" "$root"
		mount --bind "$2" "$root/var/cache/apt/archives"
		mount -t proc proc "$root/proc"
		mount -t tmpfs shm "$root/dev/shm"
		mount -t tmpfs run "$root/run"
		mkdir "$root/run/lock"
		cd "$root"
		shift 2
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
			LC_ALL=C.UTF-8 chroot . "$@"' \
		system_run "$root" "$archives" "$@"
}
