# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packages of another Debian suite, fetched and unpacked below build/ with
# nothing installed and the machine's own apt left as it is. Source it after
# lab.sh.
#
#	suite_open SUITE             a suite's name (trixie-backports), or `own`
#	suite_cache ARGUMENT...      apt-cache there
#	suite_get ARGUMENT...        apt-get there
#	suite_fetch DIR PACKAGE...   the .deb files, signatures checked, into DIR

# The mirror is the machine's own: it is reachable, near, and its owner's choice.
suite_mirror()
{
	local codename mirror

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk -v c="$codename" '$2 == c { print $1; exit }')
	[ -n "$mirror" ] ||
		die "the apt sources of this machine name no mirror for '$codename'; add Debian's main section to /etc/apt/sources.list.d"
	echo "$mirror"
}

suite_open()
{
	local suite=$1 label=$1 mirror
	SUITE_DIR=$BUILD/apt/$suite
	SUITE_NAME=$suite
	SUITE_OPTIONS=(
		-o "Dir::State::Lists=$SUITE_DIR/lists"
		-o "Dir::Cache=$SUITE_DIR/cache"
		-o "Dir::Cache::Archives=$SUITE_DIR/cache/archives"
		-o APT::Sandbox::User=root
		# What is installed is never newer than the suite's own.
		-o Dir::State::status=/dev/null
		-o Acquire::Languages=none
		-o Acquire::Retries=2
		-o APT::Get::List-Cleanup=0
	)
	mkdir -p "$SUITE_DIR"/{lists/partial,cache/archives/partial,sources}

	if [ "$suite" = own ]; then
		label="this machine's release"
	else
		apt_need debian-archive-keyring
		mirror=$(suite_mirror)
		printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
			"$mirror" "$suite" >"$SUITE_DIR/sources/suite.list"
		SUITE_OPTIONS+=(
			-o Dir::Etc::SourceList=/dev/null
			-o "Dir::Etc::SourceParts=$SUITE_DIR/sources"
			-o APT::Update::Error-Mode=any
			# The machine's pins are about what is installed, not about this.
			-o Dir::Etc::Preferences=/dev/null
			-o Dir::Etc::PreferencesParts=/dev/null
		)
	fi
	step "Reading the package lists of $label" "apt-$suite" \
		suite_update ||
		die "$(apt_failure "$LOGS/apt-$suite.log" "the package lists of $label")"
}

# A third party's source among the machine's own may fail, but not all of them.
suite_update()
{
	apt-get -q "${SUITE_OPTIONS[@]}" update &&
		compgen -G "$SUITE_DIR/lists/*Packages*" >/dev/null
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
