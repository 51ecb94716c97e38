# SPDX-License-Identifier: GPL-2.0
# Bash completion of sipalg-ctl. Names and values of settings are the module's
# own, calls and registrations those that there are.

# A list of the tool's, asked in the namespace that is typed.
_sipalg_ctl_ask()
{
	"${_sipalg_ctl_tool[@]}" "$@" 2>/dev/null
}

# The values that a setting may have, where they are words.
_sipalg_ctl_values()
{
	_sipalg_ctl_ask -j setting list | tr '{' '\n' | sed -n \
		"s/^\"name\":\"$1\",.*\"range\":\"\\([^\"]*\\)\".*/\\1/p" |
		sed -e 's/^none, or methods$/none INVITE ACK BYE CANCEL REGISTER OPTIONS PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE/' \
		    -e 's/^none, or prefixes$/none/' -e '/[0-9]/d' -e 's/,/ /g'
}

_sipalg_ctl_filters()
{
	echo 'call-id address port state older idle from to account'
}

# Of names and values by turns: $1 is what is asked for names, the rest what is typed.
_sipalg_ctl_filter()
{
	local name=${*: -1}

	if (($# % 2)); then
		_sipalg_ctl_filters
		return
	fi
	case $name in
	state) echo 'early confirmed held ending' ;;
	from | to | account)
		_sipalg_ctl_ask -j call list | tr '{' '\n' | sed -n 's/.*"'"${name/account/from}"'":"\([^"\\]*\)".*/\1/p'
		;;
	call-id) _sipalg_ctl_ask -j call list | tr '{' '\n' | sed -n 's/.*"call_id":"\([^"\\]*\)".*/\1/p' ;;
	esac
}

_sipalg_ctl_setting()
{
	if (($# % 2)); then
		_sipalg_ctl_ask setting list | awk 'NR > 1 && /^[a-z]/ { print $1 }'
	else
		_sipalg_ctl_values "${*: -1}"
	fi
}

_sipalg_ctl_words()
{
	case "$1 $2 $3" in
	'  ') echo 'setting call registration pinhole stats monitor check top sync --version' ;;
	'setting  ') echo 'list set reset' ;;
	'setting set '*) _sipalg_ctl_setting set "${@:3}" ;;
	'call  ') echo 'list show end' ;;
	'call show ' | 'call end ')
		_sipalg_ctl_ask call list | awk 'NR > 1 { print $1 }'
		[ "$2" = show ] || echo --all
		;;
	'call list '*) _sipalg_ctl_filter list "${@:3}" ;;
	'call end --all') _sipalg_ctl_filter "${@:3}" ;;
	'call show '*) echo '--ladder --mermaid --svg' ;;
	'registration  ') echo 'list end' ;;
	'registration list ') echo 'account' ;;
	'registration end ') _sipalg_ctl_ask registration list | awk 'NR > 1 { print $1 }' ;;
	'pinhole  ') echo 'list' ;;
	'pinhole list ') echo 'call' ;;
	'pinhole list call') _sipalg_ctl_ask call list | awk 'NR > 1 { print $1 }' ;;
	'check  ') echo '--fix --undo --files' ;;
	'sync  ') echo 'status ready promote demote handover' ;;
	'stats  ') echo 'show reset' ;;
	'stats show ') echo '--prometheus' ;;
	esac
}

_sipalg_ctl()
{
	local words=() i _sipalg_ctl_tool=(sipalg-ctl)

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | --netns)
			i=$((i + 1))
			[ "$i" -lt "$COMP_CWORD" ] || break
			_sipalg_ctl_tool+=(-n "${COMP_WORDS[i]}")
			;;
		-j | -p | --json | --pretty | --mask) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-n | --netns) mapfile -t COMPREPLY < <(compgen -W "$(ip netns list 2>/dev/null | awk '{ print $1 }')" -- "${COMP_WORDS[COMP_CWORD]}") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$(_sipalg_ctl_words "${words[@]}")" -- "${COMP_WORDS[COMP_CWORD]}") ;;
	esac
}

complete -F _sipalg_ctl sipalg-ctl
