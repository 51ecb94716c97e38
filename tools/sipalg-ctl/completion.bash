# SPDX-License-Identifier: GPL-2.0
# Bash completion of sipalg-ctl. Names of settings are the module's own.

_sipalg_ctl_words()
{
	case $1 in
	'') echo 'setting call registration stats monitor check top --version' ;;
	setting) echo 'list set reset' ;;
	call) echo 'list show end' ;;
	registration) echo 'list' ;;
	stats) echo 'show reset' ;;
	'stats show') echo '--prometheus' ;;
	'call show '*) echo '--ladder' ;;
	'call end') echo '--all' ;;
	'setting set'*) sipalg-ctl setting list 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
	*state) echo 'early confirmed held ending' ;;
	'call list'* | 'call end --all'*) echo 'call-id address port state older idle' ;;
	esac
}

_sipalg_ctl()
{
	local words=() i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | --netns) i=$((i + 1)) ;;
		-*) [ "${COMP_WORDS[i]}" != --all ] || words+=(--all) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	mapfile -t COMPREPLY < <(compgen -W "$(_sipalg_ctl_words "${words[*]}")" -- "${COMP_WORDS[COMP_CWORD]}")
}

complete -F _sipalg_ctl sipalg-ctl
