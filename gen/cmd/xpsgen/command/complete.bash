# bash completion for PROGRAM
_PROGRAM() {
	local IFS=$'\n' line cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	COMPREPLY=()
	# bash takes --flag=value apart into three words.
	if [ "$cur" = "=" ]; then
		words=("${words[@]:0:${#words[@]}-1}" "")
		cur=
	elif [ "${COMP_WORDS[COMP_CWORD-1]}" = "=" ]; then
		words=("${words[@]:0:${#words[@]}-2}" "$cur")
	fi
	while read -r line; do
		if [ "$line" = ":files" ]; then
			COMPREPLY+=($(compgen -f -- "$cur"))
			compopt -o filenames 2>/dev/null
		else
			COMPREPLY+=("$line")
		fi
	done < <("${COMP_WORDS[0]}" __complete bash "${words[@]}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
