# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packages of another Debian suite, fetched and unpacked below build/ with
# nothing installed and the machine's own apt left as it is. Source it after
# lab.sh.
#
#	suite_open SUITE [PROCESSOR] a suite's name (trixie-backports); a release's name
#	                             stands for its security updates, too; PROCESSOR
#	                             (s390x) is another than this machine's
#	suite_cache ARGUMENT...      apt-cache there
#	suite_get ARGUMENT...        apt-get there
#	suite_fetch DIR PACKAGE...   the .deb files, signatures checked, into DIR
#	suite_root DIR PACKAGE...    a root file system of packages and all they need
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
	# unstable has no updates beside it
	[[ $1 == *-* || $1 == sid ]] || echo "deb [signed-by=$KEYRING] $security $1-security main"
}

suite_open()
{
	local suite=$1 processor=${2:-} label="$1${2:+ for $2}"
	SUITE_NAME=$suite${processor:+-$processor}
	SUITE_DIR=$BUILD/apt/$SUITE_NAME
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
		${processor:+-o "APT::Architecture=$processor" -o "APT::Architectures::=$processor"}
	)
	mkdir -p "$SUITE_DIR"/{lists/partial,cache/archives/partial,sources}
	apt_need debian-archive-keyring
	suite_sources "$suite" >"$SUITE_DIR/sources/suite.list"
	step "Reading the package lists of $label" "apt-$SUITE_NAME" suite_update "$processor" ||
		die "$(apt_failure "$LOGS/apt-$SUITE_NAME.log" "the package lists of $label")"
}

# Security updates end earlier for other processors, and not each mirror has them
# as it should; without them there is the release as it was.
suite_update()
{
	apt-get -q "${SUITE_OPTIONS[@]}" update ||
		{ [ -n "$1" ] && compgen -G "$SUITE_DIR/lists/*Packages*" >/dev/null; }
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

# DIR itself when all went well.
suite_root()
{
	local dir=$1 packages
	shift

	mapfile -t packages < <(suite_closure "$@")
	((${#packages[@]})) || die "the suite '$SUITE_NAME' does not offer all of $*"
	rm -rf "$dir.new"
	suite_fetch "$dir.new" "${packages[@]}"
	step "Unpacking a root of $SUITE_NAME" "root-$SUITE_NAME" suite_unpack "$dir.new" ||
		die "$* did not unpack below $dir.new; is the disk full?"
	rm -rf "$dir"
	mv "$dir.new" "$dir"
}

# All that these need, since in a suite nothing is installed.
suite_closure()
{
	suite_get --no-install-recommends --print-uris \
		-qq install "$@" | awk -F "[' ]" '/^'\''/ { sub(/_.*/, "", $4); print $4 }'
}

# The links that packages' scripts would make are made by hand.
suite_unpack()
{
	local root=$1 deb dir

	for dir in bin sbin lib lib64; do
		mkdir -p "$root/usr/$dir"
		ln -s "usr/$dir" "$root/$dir"
	done
	for deb in "$root"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink \
			--no-same-owner --exclude='./usr/share/doc' --exclude='./usr/share/locale' || return
		rm "$deb"
	done
	[ -e "$root/bin/awk" ] || ln -s mawk "$root/bin/awk"
	[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
	mkdir -p "$root"/{dev,proc,tmp}
}

own_kernel()
{
	awk -v s="$(codename)" '$2 == s && $3 == "linux-image-amd64" { print $1; exit }' \
		"$TOP/scripts/stock-kernels"
}
