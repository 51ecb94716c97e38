# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What was tried (rows) and what came of it (columns), in TAP and as a table; for
# make matrix and make arch. Source it after lab.sh. The script itself has
#
#	OUT			the folder for what the parts say
#	parts ROW		prints the names of a row's parts, the build first
#	part ROW PART		runs one: TAP, exit status
#	COLUMNS			the array `part=title of its column`
#
# and calls
#
#	try_parts ROW...	in TAP; 1 when something failed
#	parts_table NAME ROW...	NAME is that of the first column

# Of a test within a test only the inner ones are counted.
parts_count()
{
	local all inner

	all=$(grep -cE "^ *$1" "$2" || true)
	inner=$(grep -cE "^    (not )?ok " "$2" || true)
	((inner == 0)) || all=$(grep -cE "^    $1" "$2" || true)
	echo "$all"
}

parts_result()
{
	local log=$OUT/$1-$2.log passed failed

	passed=$(parts_count 'ok ' "$log")
	failed=$(parts_count 'not ok ' "$log")
	if [ "$(cat "$log.status")" = 0 ] && ((passed && !failed)); then
		echo "$passed passed"
	else
		echo "FAIL: $passed passed, $failed failed"
	fi
}

# What is not built cannot be tried.
try_parts()
{
	local row part broken number=0 status failed=0 found log

	mkdir -p "$OUT"
	echo "1..$(for row; do parts "$row"; done | wc -w)"
	for row; do
		broken=
		for part in $(parts "$row"); do
			number=$((number + 1)) status=0 log=$OUT/$row-$part.log
			if [ -n "$broken" ]; then
				echo "# there is no build for $row" >"$log"
				status=1
			else
				part "$row" "$part" >"$log" || status=$?
			fi
			echo $status >"$log.status"
			sed 's/^/    /' "$log"
			found=$(parts_result "$row" "$part")
			if [[ $found == FAIL* ]]; then
				failed=1
				[ "$part" != build ] || broken=1
				printf 'not '
			fi
			echo "ok $number - $row, $part: $found"
		done
	done
	return $failed
}

parts_table()
{
	local row column cells

	printf '\n| %s | release |%s\n' "${1:-}" "$(printf ' %s |' "${COLUMNS[@]#*=}")"
	shift
	printf '|---|---|%s\n' "$(printf -- '---|%.0s' "${COLUMNS[@]}")"
	for row; do
		cells="| $row | $(cat "$BUILD/stock-$row/release" 2>/dev/null || echo none) |"
		for column in "${COLUMNS[@]%%=*}"; do
			if [[ " $(parts "$row" | tr '\n' ' ') " == *" $column "* ]]; then
				cells+=" $(parts_result "$row" "$column") |"
			else
				cells+=' |'
			fi
		done
		echo "$cells"
	done
}
