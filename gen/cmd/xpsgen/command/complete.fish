# fish completion for PROGRAM
function __PROGRAM_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] __complete fish $words[2..-1] 2>/dev/null)
		if test "$line" = ":files"
			__fish_complete_path (commandline -ct)
		else
			echo $line
		end
	end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
