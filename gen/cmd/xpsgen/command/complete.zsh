#compdef PROGRAM
_PROGRAM() {
	local line
	local -a found
	local files=
	for line in "${(@f)$(${words[1]} __complete zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		case $line in
		:files) files=1 ;;
		?*) found+=("$line") ;;
		esac
	done
	(( ${#found} )) && _describe PROGRAM found
	[[ -n $files ]] && _files
	return 0
}
compdef _PROGRAM PROGRAM
