# SPDX-License-Identifier: MIT
# bash completion of mmusim(1). Words come from the tool itself: its --help,
# `config list`, `config keys` and `workload list`.

_mmusim_options() {
    "$1" ${2:+"$2"} --help 2>/dev/null |
        grep -oE '^  (-[A-Za-z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

_mmusim_commands() {
    "$1" ${2:+"$2"} --help 2>/dev/null |
        sed -n '/^Commands:/,/^$/s/^  \([a-z]\{1,\}\) .*/\1/p'
}

_mmusim_first_words() {
    "$@" 2>/dev/null | grep -oE '^[A-Za-z0-9_.-]+'
}

_mmusim() {
    local current previous tool=${COMP_WORDS[0]} command=${COMP_WORDS[1]-}
    local words=""

    current=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD - 1]}
    if ((COMP_CWORD == 1)); then
        words="$(_mmusim_commands "$tool") --help --version"
    elif [[ $previous == -m || $previous == --machine ]]; then
        words=$(_mmusim_first_words "$tool" config list)
    elif [[ $previous == -s || $previous == --set || $previous == -p ||
        $previous == --param ]]; then
        compopt -o nospace
        words=$(_mmusim_first_words "$tool" config keys)
        current=${current%%=*}
    elif [[ $command == annotate && $previous == --by ]]; then
        words="mapping function line site thread"
    elif [[ $command == annotate && $previous == --sort ]]; then
        words="misses fetch_misses walks walk_cycles faults fault_cycles
            operations operation_cycles flushes flush_cycles shootdowns
            shootdown_wait"
    elif [[ $previous == --format ]]; then
        words="text json csv"
        [[ $command/${COMP_WORDS[2]-} != sweep/[mf]* ]] || words+=" sqlite"
    elif [[ $previous == --from ]]; then
        compopt -o nospace
        words=$(_mmusim_first_words "$tool" trace formats)
    elif [[ $previous == --to ]]; then
        words="native gzip zstd text lackey champsim"
    elif [[ ($command == run || $command == record) && $previous == -- ]]; then
        words=$(compgen -c -- "$current")
    elif [[ $previous == --engine ]]; then
        words="local slurm"
    elif [[ $previous == --only ]]; then
        words="settings placement kernels hardware"
    elif [[ $current == -* ]]; then
        words=$(_mmusim_options "$tool" "$command")
        [[ $command != sweep ]] || case ${COMP_WORDS[2]-} in
        status | merge | retry | explain | work | cancel | finish)
            words=$("$tool" sweep "${COMP_WORDS[2]}" --help 2>/dev/null |
                grep -oE '^  (-[A-Za-z],)? *--[a-z-]+' |
                grep -oE -- '--[a-z-]+')
            ;;
        esac
    elif [[ $command == workload && $previous == show ]]; then
        words=$(_mmusim_first_words "$tool" workload list)
    elif ((COMP_CWORD == 2)); then
        words=$(_mmusim_commands "$tool" "$command")
        [[ $command != sweep ]] ||
            words="status merge retry explain work cancel finish"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if ((${#COMPREPLY[@]} == 0)); then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames
    fi
}

complete -F _mmusim mmusim
