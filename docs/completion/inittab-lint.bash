# bash completion of inittab-lint; install as /usr/share/bash-completion/completions/inittab-lint

_inittab_lint_rules() {
    inittab-lint --list-rules 2>/dev/null | awk '{ print $1; print $3 }'
}

_inittab_lint() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $word == "=" ]]; then word=""; fi
    if [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
    case $before in
        --target)
            COMPREPLY=($(compgen -W "sysvinit_py sysvinit-2.88 sysvinit-3.06 sysvinit-3.14 busybox" -- "$word")) ;;
        --format)
            COMPREPLY=($(compgen -W "text gcc json sarif github" -- "$word")) ;;
        --color)
            COMPREPLY=($(compgen -W "auto always never" -- "$word")) ;;
        --select | --ignore)
            local done=""
            if [[ $word == *,* ]]; then done=${word%,*},; fi
            COMPREPLY=($(compgen -P "$done" -W "$(_inittab_lint_rules)" -- "${word##*,}")) ;;
        --explain)
            COMPREPLY=($(compgen -W "$(_inittab_lint_rules)" -- "$word")) ;;
        --root)
            compopt -o filenames
            COMPREPLY=($(compgen -d -- "$word")) ;;
        *)
            if [[ $word == -* ]]; then
                COMPREPLY=($(compgen -W "--target --root --fragment --select --ignore --strict --exit-zero --format
                    --output-file --statistics --color
                    --fix --unsafe-fixes --diff --stdin-filename --config --isolated --quiet -q --explain
                    --list-rules --version --help" -- "$word"))
            else
                compopt -o filenames
                COMPREPLY=($(compgen -f -- "$word"))
            fi ;;
    esac
}

complete -F _inittab_lint inittab-lint
