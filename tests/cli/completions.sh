#!/bin/sh
# SPDX-License-Identifier: MIT
# The completions of bash, zsh and fish know every command and every option
# that --help does, since they ask it; a shell that is not there is passed over.
. "$SOURCE_DIR/tests/cli/lib.sh"
folder=$SOURCE_DIR/completions
PATH=$(dirname "$MMUSIM"):$PATH
export PATH
commands=$(mmusim --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "no commands in --help"

options() {
    mmusim "$1" --help | grep -oE '^  (-[A-Za-z],|   ) --[a-z-]+' |
        grep -oE -- '--[a-z-]+' | sort
}

# complete_in_SHELL LINE: the words that could follow
complete_in_bash() {
    bash -c '. "$1"; COMP_WORDS=($2); [[ $2 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; _mmusim
        printf "%s\n" "${COMPREPLY[@]}"' - "$folder/mmusim.bash" "$1"
}
complete_in_fish() {
    fish --no-config -c "source $folder/mmusim.fish; complete -C '$1'" |
        cut -f 1
}

for shell in bash fish; do
    command -v $shell >/dev/null || continue
    complete_in_$shell "mmusim " >"$work/words"
    for command in $commands; do
        grep -qx -- "$command" "$work/words" ||
            fail "$shell: no command $command"
    done
    for command in replay sweep annotate run; do
        complete_in_$shell "mmusim $command --" | sort >"$work/words"
        options $command | comm -23 - "$work/words" >"$work/missing"
        [ ! -s "$work/missing" ] ||
            fail "$shell: $command: no $(tr '\n' ' ' <"$work/missing")"
    done
    complete_in_$shell "mmusim replay -m ze" | grep -qx zen4 ||
        fail "$shell: no machines"
    complete_in_$shell "mmusim sweep st" | grep -qx status ||
        fail "$shell: no sweep status"
done

if command -v zsh >/dev/null; then
    zsh -n "$folder/_mmusim" || fail "zsh: does not parse"
    for command in replay sweep annotate run; do
        zsh -fc 'compdef() { : }; source $1; _mmusim_options mmusim $2' \
            - "$folder/_mmusim" $command | cut -d : -f 1 | sort >"$work/words"
        options $command | comm -23 - "$work/words" >"$work/missing"
        [ ! -s "$work/missing" ] ||
            fail "zsh: $command: no $(tr '\n' ' ' <"$work/missing")"
    done
    zsh -fc 'compdef() { : }; source $1; _mmusim_commands mmusim' \
        - "$folder/_mmusim" | cut -d : -f 1 >"$work/words"
    for command in $commands; do
        grep -qx -- "$command" "$work/words" || fail "zsh: no command $command"
    done
fi
finish
