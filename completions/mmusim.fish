# SPDX-License-Identifier: MIT
# fish completion of mmusim(1). Words come from the tool itself: its --help,
# `config list`, `config keys` and `workload list`.

# The command words so far: "sweep", "sweep status", ...
function __mmusim_command
    for word in (commandline -opc)[2..]
        string match -qr '^[a-z]' -- $word; or break
        echo $word
        test (count $argv) -eq 0; or break
    end
end

# Lines "WORD<tab>what it is" of a --help's list of commands.
function __mmusim_commands
    mmusim $argv --help 2>/dev/null |
        sed -n '/^Commands:/,/^$/s/^  \([a-z-]\{1,\}\)  *\(.*\)$/\1\t\2/p'
end

# Lines "--option<tab>what it is".
function __mmusim_options
    mmusim $argv --help 2>/dev/null |
        sed -n 's/^  \(-[A-Za-z],\|   \) \(--[a-z-]\{1,\}\)\( [^ ]\{1,\}\)\{0,1\} *\(.*\)$/\2\t\4/p'
end

function __mmusim_first_words
    mmusim $argv 2>/dev/null | string match -r '^[A-Za-z0-9_.-]+'
end

function __mmusim_previous
    set -l words (commandline -opc)
    printf '%s\n' $words[-1] # echo would take -s
end

function __mmusim_words
    set -l command (__mmusim_command first)
    switch (__mmusim_previous)
        case -m --machine
            __mmusim_first_words config list
            __fish_complete_suffix .yaml
        case -s --set -p --param
            string replace -r '$' = -- (__mmusim_first_words config keys)
        case --format
            printf '%s\n' text json csv
        case --from
            __mmusim_first_words trace formats
        case --to
            printf '%s\n' native gzip zstd text lackey champsim
        case --engine
            printf '%s\n' local slurm
        case '*'
            if test -z "$command"
                __mmusim_commands
                return
            end
            set -l words (__mmusim_command)
            if string match -q -- '-*' (commandline -ct)
                __mmusim_options $words[1..2] 2>/dev/null
                or __mmusim_options $command
                return
            end
            if test (count $words) -le 1
                __mmusim_commands $command
                test $command != sweep
                or printf '%s\n' status merge retry explain work cancel finish
            end
            switch $command
                case replay sweep annotate advise
                    __mmusim_first_words workload list |
                        string replace -r '^' workload:
            end
            __fish_complete_path (commandline -ct)
    end
end

complete -c mmusim -f -a '(__mmusim_words)'
