# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Builds a kernel from source, for build-um and build-kcsan. Source it after
# lab.sh, set these, and call kernel_build:
#
#	NAME		build/NAME is where it is made
#	ARCHITECTURE	as Kbuild calls it
#	IMAGE		the file below build/NAME that is started; its last part is what
#			make calls it
#	CONFIGS		lists of options on top of allnoconfig, the last word last
#	TAKES		how long, for who waits
#	kernel_start	a function: does it start?
#	OPTIONS		what make is told beside that (nothing)
#
#	kernel_build [--new]	a kernel that is there stays until its configuration
#				changes; --new looks for a newer source

OPTIONS=()

# All that a kernel is made of beside its source.
kernel_wanted()
{
	local option

	cat "${CONFIGS[@]}"
	for option in "${OPTIONS[@]}"; do
		echo "# make $option"
	done
}

# Kbuild makes the link to the source; `built` is the configuration that was
# wanted, written when all went well.
kernel_is_current()
{
	[ -e "$OUT/$IMAGE" ] && [ -e "$OUT/source/Makefile" ] &&
		kernel_wanted | cmp -s - "$OUT/built"
}

# An option that a new release renamed or dropped would vanish in silence, and
# a test would fail far away from the reason.
kernel_unmet_options()
{
	grep -E '^CONFIG_' "$OUT/wanted.config" | tac | sort -u -t= -k1,1 |
		grep -vE '=n$' | grep -vxFf "$OUT/.config" || true
}

kernel_configure()
{
	KCONFIG_ALLCONFIG=$OUT/wanted.config \
		make -s -C "$1" O="$OUT" ARCH="$ARCHITECTURE" allnoconfig
}

kernel_compile()
{
	nice make -s -j"$(nproc)" -C "$OUT" ARCH="$ARCHITECTURE" "${OPTIONS[@]}" \
		"${IMAGE##*/}" modules &&
		make -s -C "$OUT" ARCH="$ARCHITECTURE" INSTALL_MOD_PATH="$OUT/root" modules_install
}

# Exit status only: the caller goes on to an older source.
kernel_build_from()
{
	local source=$1 unmet
	[ -d "$source" ] || return

	# The same source with another configuration is mostly built already.
	[ "$source" -ef "$OUT/source" ] || rm -rf "$OUT"
	mkdir -p "$OUT"
	kernel_wanted >"$OUT/wanted.config"
	step "Configuring ${source##*/}" "$NAME-config" kernel_configure "$source" || return
	unmet=$(kernel_unmet_options)
	if [ -n "$unmet" ]; then
		say "${source##*/} does not know these options of ${CONFIGS[*]#"$TOP"/}: ${unmet//$'\n'/ }"
		return 1
	fi
	step "Building the kernel $NAME ($TAKES)" "$NAME-build" kernel_compile || return
	step "Starting it" "$NAME-boot" kernel_start || return
	mv "$OUT/wanted.config" "$OUT/built"
	# One source is a gigabyte; the others failed, or are older.
	find "$BUILD/source" -mindepth 1 -maxdepth 1 ! -path "$source" -exec rm -rf {} +
}

kernel_build()
{
	local new=${1:-} source package offered
	OUT=$BUILD/$NAME

	exec 8>"$BUILD/.$NAME.lock"
	flock 8
	[ -z "$new" ] && kernel_is_current && return

	need_machine
	apt_need gcc libc6-dev make flex bison bc libelf-dev kmod

	# A source that has been unpacked is known to build: another variant, or
	# another configuration, starts from it.
	if [ -z "$new" ]; then
		for source in "$BUILD"/source/linux-source-*[0-9]; do
			kernel_build_from "$source" && return
		done
	fi
	offered=$("$TOP/scripts/fetch-source")
	for package in $offered; do
		[ -d "$BUILD/source/$package" ] && [ -z "$new" ] && continue
		"$TOP/scripts/fetch-source" "$package"
		kernel_build_from "$BUILD/source/$package" && return
		say "$package does not build or start here; trying the next older one"
	done
	die "no kernel source on offer builds here; the newest one's log is in ${LOGS#"$TOP"/}/$NAME-build.log"
}
