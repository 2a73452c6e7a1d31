# fish completion of inittab-lint; install as /usr/share/fish/vendor_completions.d/inittab-lint.fish

function __inittab_lint_rules
    inittab-lint --list-rules 2>/dev/null | awk '{ name = $1; $1 = $2 = ""; print name "\t" $0 }'
end

complete -c inittab-lint -l target -x -a "sysvinit_py sysvinit-2.88 sysvinit-3.06 sysvinit-3.14 busybox" -d "the init that is to read it"
complete -c inittab-lint -l root -x -a "(__fish_complete_directories)" -d "the image being built"
complete -c inittab-lint -l fragment -d "the files are parts of an inittab"
complete -c inittab-lint -l select -x -a "(__fish_complete_list , __inittab_lint_rules)" -d "only these rules"
complete -c inittab-lint -l ignore -x -a "(__fish_complete_list , __inittab_lint_rules)" -d "not these rules"
complete -c inittab-lint -l strict -d "warnings make the exit status 1 too"
complete -c inittab-lint -l exit-zero -d "findings leave the exit status 0"
complete -c inittab-lint -l output-file -r -d "write the findings to a file"
complete -c inittab-lint -l statistics -d "say how often each rule found something"
complete -c inittab-lint -l format -x -a "text gcc json sarif github" -d "how findings are written"
complete -c inittab-lint -l color -x -a "auto always never" -d "colours in the text"
complete -c inittab-lint -l fix -d "repair what has one safe answer"
complete -c inittab-lint -l unsafe-fixes -d "with --fix or --diff: what has a likely answer too"
complete -c inittab-lint -l diff -d "show what would be repaired"
complete -c inittab-lint -l stdin-filename -r -d "what to call standard input"
complete -c inittab-lint -l config -r -d "the config file"
complete -c inittab-lint -l isolated -d "no config file"
complete -c inittab-lint -s q -l quiet -d "nothing on standard error but errors"
complete -c inittab-lint -l explain -x -a "(__inittab_lint_rules)" -d "say what a rule is about"
complete -c inittab-lint -l list-rules -d "list all rules"
complete -c inittab-lint -l version -d "say the version"
complete -c inittab-lint -l help -d "list the options"
