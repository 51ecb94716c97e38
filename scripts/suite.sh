# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packages of another Debian suite, fetched and unpacked below build/ with
# nothing installed and the machine's own apt left as it is. Source it after
# lab.sh.
#
#	suite_open SUITE             a suite's name (trixie-backports); a release's name
#	                             stands for its security updates, too
#	suite_cache ARGUMENT...      apt-cache there
#	suite_get ARGUMENT...        apt-get there
#	suite_fetch DIR PACKAGE...   the .deb files, signatures checked, into DIR
#	own_kernel                   what this machine's release installs, by its name
#	                             in scripts/stock-kernels
#	suite_sources SUITE          lines for sources.list(5): a release with its
#	                             security updates

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# mirrors_of PATTERN: of the machine's own sources those whose suite matches, whether their
# lists have been fetched or not
mirrors_of()
{
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk -v p="$1" '$2 ~ p { print $1; exit }'
}

# The mirror is the machine's own: it is reachable, near, and its owner's choice.
suite_mirror()
{
	local codename mirror

	codename=$(codename)
	mirror=$(mirrors_of "^$codename\$")
	[ -n "$mirror" ] ||
		die "the apt sources of this machine name no mirror for '$codename'; add Debian's main section to /etc/apt/sources.list.d"
	echo "$mirror"
}

# A fresh root names the release only; each mirror has the updates beside it.
security_mirror()
{
	local mirror

	mirror=$(mirrors_of "^$(codename)-security\$")
	[ -n "$mirror" ] || mirror=$(suite_mirror | sed 's|/debian/*$|/debian-security|')
	echo "$mirror"
}

suite_sources()
{
	local mirror security
	mirror=$(suite_mirror) && security=$(security_mirror) || return

	echo "deb [signed-by=$KEYRING] $mirror $1 main"
	[[ $1 == *-* ]] || echo "deb [signed-by=$KEYRING] $security $1-security main"
}

suite_open()
{
	local suite=$1
	SUITE_DIR=$BUILD/apt/$suite
	SUITE_NAME=$suite
	SUITE_OPTIONS=(
		-o "Dir::State::Lists=$SUITE_DIR/lists"
		-o "Dir::Cache=$SUITE_DIR/cache"
		-o "Dir::Cache::Archives=$SUITE_DIR/cache/archives"
		-o APT::Sandbox::User=root
		# What is installed is never newer than the suite's own.
		-o Dir::State::status=/dev/null
		-o Dir::Etc::SourceList=/dev/null
		-o "Dir::Etc::SourceParts=$SUITE_DIR/sources"
		# The machine's pins are about what is installed, not about this.
		-o Dir::Etc::Preferences=/dev/null
		-o Dir::Etc::PreferencesParts=/dev/null
		-o Acquire::Languages=none
		-o Acquire::Retries=2
		-o APT::Get::List-Cleanup=0
		-o APT::Update::Error-Mode=any
	)
	mkdir -p "$SUITE_DIR"/{lists/partial,cache/archives/partial,sources}
	apt_need debian-archive-keyring
	suite_sources "$suite" >"$SUITE_DIR/sources/suite.list"
	step "Reading the package lists of $suite" "apt-$suite" \
		apt-get -q "${SUITE_OPTIONS[@]}" update ||
		die "$(apt_failure "$LOGS/apt-$suite.log" "the package lists of $suite")"
}

suite_cache()
{
	apt-cache "${SUITE_OPTIONS[@]}" "$@"
}

suite_get()
{
	apt-get "${SUITE_OPTIONS[@]}" "$@"
}

suite_fetch()
{
	local dir=$1 what
	shift

	what=$*
	(($# <= 5)) || what="$1 and $(($# - 1)) other packages"
	mkdir -p "$dir"
	step "Fetching $what" "fetch-$SUITE_NAME" \
		env -C "$dir" apt-get -q "${SUITE_OPTIONS[@]}" download "$@" ||
		die "$(apt_failure "$LOGS/fetch-$SUITE_NAME.log" "$*")"
}

own_kernel()
{
	awk -v s="$(codename)" '$2 == s && $3 == "linux-image-amd64" { print $1; exit }' \
		"$TOP/scripts/stock-kernels"
}
