# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script of the lab needs: where things are, how to talk to people,
# how to get packages. Source it, right after the script's own `set -euo pipefail`;
# on a system whose packages are not known it ends the script in one sentence:
#
#	. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
#
#	say TEXT...                 one line of progress
#	step TEXT LOG COMMAND...    a long command: quiet, timed, output in build/logs/LOG.log
#	die SENTENCE                one clear sentence, exit status 1
#	need_root, need_machine     is this a machine and a user the lab works with?
#	codename                    of this Debian: bookworm
#	need_space GIGABYTES        is there room below build/?
#	apt_need PACKAGE...         install what is missing, start no service
#	once NAME COMMAND...        do it unless it has been done since build/ was made

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
LOGS=$BUILD/logs
# Packages drop administrators' tools here; a user's PATH often lacks it. And
# tests must get the distribution's python3, not a version manager's.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export TOP BUILD PATH
mkdir -p "$LOGS"

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "sipalg: $*"
	exit 1
}

# The command's own words are only worth reading when it failed.
step()
{
	local text=$1 log=$LOGS/$2.log start=$SECONDS job status=0
	shift 2

	printf '%s ... ' "$text" >&2
	"$@" >"$log" 2>&1 </dev/null &
	job=$!
	step_dots "$job" &
	wait "$job" || status=$?
	kill $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	if ((status)); then
		printf 'failed after %d s\n' $((SECONDS - start)) >&2
		tail -n 20 "$log" | sed 's/^/    /' >&2
		say "    (the whole log: ${log#"$TOP"/})"
		return "$status"
	fi
	printf '%d s\n' $((SECONDS - start)) >&2
}

# Waiting by `read` on what never comes: a `sleep` would outlive us, and hold
# the reader of a pipe and every lock that is open here.
step_dots()
{
	local never

	exec {never}<> <(:)
	while ! read -rt 10 -u "$never" && kill -0 "$1" 2>/dev/null; do
		printf '.' >&2
	done
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "this must run as root ($1); try: sudo $0"
}

need_space()
{
	local free
	free=$(df -k --output=avail "$BUILD" | tail -n 1)
	((free >= $1 * 1024 * 1024)) ||
		die "the disk that holds $BUILD has $((free / 1024)) MB free, but $1 GB are needed; make room there"
}

# os_release NAME: that variable of os-release(5), or nothing
os_release()
{
	# shellcheck disable=SC2016 # the inner shell's, which has no variables of ours
	env -i sh -c '. /etc/os-release; eval "echo \"\$$1\""' sh "$1" 2>/dev/null || true
}

codename()
{
	os_release VERSION_CODENAME
}

# Testing and unstable have no version, and what is derived from a release has
# other packages than that.
need_debian()
{
	local name

	case $(os_release ID)-$(os_release VERSION_ID) in
	debian-12|debian-13)
		return ;;
	esac
	name=$(os_release PRETTY_NAME)
	die "the lab works on Debian 12 and 13, this is ${name:-another system}; use one of those, or a clean root of it (debootstrap)"
}

# What a first build leaves below build/ is the bulk of the room needed.
need_machine()
{
	[ "$(uname -m)" = x86_64 ] ||
		die "the lab's kernels are built for x86_64 processors, this one is $(uname -m); use an x86_64 machine"
	if [ -x "$BUILD/um/linux" ]; then
		need_space 2
	else
		need_space 8
	fi
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_need()
{
	local package missing=()

	for package; do
		is_installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0

	[ "$(id -u)" = 0 ] ||
		die "these packages are missing and only root can install them: ${missing[*]} (sudo apt-get install ${missing[*]})"
	step "Installing ${missing[*]}" apt with_apt_lock apt_install "${missing[@]}" ||
		die "$(apt_failure "$LOGS/apt.log" "${missing[*]}")"
}

# Two of our scripts side by side wait for each other here, rather than one of
# them failing on dpkg's lock (and both having a hand in policy-rc.d).
with_apt_lock()
{
	(
		flock 9
		"$@"
	) 9>/run/lock/sipalg-apt
}

apt_install()
{
	local policy=/usr/sbin/policy-rc.d package unit
	local get=(apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends)
	export DEBIAN_FRONTEND=noninteractive

	# A SIP proxy that Debian starts on installing it would take port 5060 of
	# this machine, whose network is none of the lab's business.
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	# Package lists may be absent or name versions that the mirror no longer
	# has. A third party's source that does not answer is no reason to fail.
	if ! "${get[@]}" install "$@"; then
		"${get[@]}" update || true
		"${get[@]}" install "$@" || return
	fi
	for package; do
		for unit in $(dpkg -L "$package" | sed -n 's|.*/lib/systemd/system/\([^/]*\.service\)$|\1|p'); do
			# it serves nobody but dpkg, whom it knows by this variable
			DPKG_MAINTSCRIPT_PACKAGE=$package deb-systemd-helper disable "$unit" || true
		done
	done
}

apt_failure()
{
	local log=$1 packages=$2

	if grep -qi 'no space left' "$log"; then
		echo "the disk was full while getting $packages; make room on / and run this again"
	elif grep -qE 'Could not (resolve|connect)|Temporary failure|Connection (failed|timed out|refused)|Network is unreachable|Failed to fetch' "$log"; then
		echo "no network to the Debian mirror of this machine's apt sources while getting $packages; see /etc/apt/sources.list.d and the network"
	elif grep -q 'Unable to locate package\|has no installation candidate' "$log"; then
		echo "this machine's apt sources do not offer all of $packages; it needs the main section of Debian 12 or 13"
	else
		echo "apt-get could not install $packages; its words are in $log"
	fi
}

once()
{
	local stamp=$BUILD/stamps/$1
	shift

	[ -e "$stamp" ] && return
	"$@"
	mkdir -p "${stamp%/*}"
	touch "$stamp"
}

need_debian
