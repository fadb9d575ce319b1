#!/usr/bin/env bash
# Usage: man/check.sh FOLDER
#
# Checks that every man page is well formed, as far as a formatter is installed, and that it has the sections that all
# have in common and exactly the options that its program, in FOLDER, prints under --help.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:?usage: man/check.sh FOLDER}
failures=0

fail() {
    echo "man/check.sh: $*" >&2
    failures=$((failures + 1))
}

# Warnings about a page, none for a good one.
lint() {
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$1" || true
    elif command -v groff >/dev/null && command -v man >/dev/null; then
        LC_ALL=C.UTF-8 man --warnings -l "$1" 2>&1 >/dev/null || true
    fi
}

# The options that a page explains, one per line.
documented() {
    sed -n 's/^\.It Fl \(.*\)/ , Fl \1/p' "$1" | grep -oE ', Fl [A-Za-z-]+' | sed 's/, Fl /-/' | sort -u
}

# The help of a program, or of one of the programs in hl-train: hl-train-NAME.1 explains hl-train NAME.
help_of() {
    case $1 in
        hl-train-*) "$programs/hl-train" "${1#hl-train-}" --help ;;
        *) "$programs/$1" --help ;;
    esac
}

# The options that --help lists. Explanations are indented further, and so never taken for one.
offered() {
    help_of "$1" | grep -E '^  -' | sed -E 's/^  //; s/  .*//; s/[],[\/]/ /g' | tr ' ' '\n' |
        grep -E '^-' | sort -u
}

# "option default" for every option whose default --help gives as one word.
defaults() {
    help_of "$1" | awk '
        function flush() {
            gsub(/ +/, " ", text)
            if (match(text, /default: [A-Za-z0-9.]+\)/)) {
                value = substr(text, RSTART + 9, RLENGTH - 10)
                sub(/\.0$/, "", value)
                print name, value
            }
        }
        /^[^ ]/ { flush(); text = "" }
        /^  -/ { flush(); text = ""; name = $1; sub(/[,\/].*/, "", name) }
        { text = text " " $0 }
        END { flush() }'
}

# Whether a page's explanation of an option has the word.
mentions() {
    awk -v option="${2#-}" -v value="$3" '
        /^\.(It|El)/ { inside = 0 }
        /^\.It Fl / { for (i = 2; i <= NF; i++) if ($(i - 1) == "Fl" && $i == option) inside = 1; next }
        inside {
            for (i = 1; i <= NF; i++) {
                word = $i
                sub(/[.,;]+$/, "", word)
                if (word == value) found = 1
            }
        }
        END { exit !found }' "$1"
}

for page in man/*.[157]; do
    warnings=$(lint "$page")
    if [[ -n $warnings ]]; then fail "$warnings"; fi
done
for page in man/*.1; do
    name=$(basename "$page" .1)
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES REPRODUCIBILITY; do
        grep -qx "\.Sh $section" "$page" || fail "$page: no section $section"
    done
    while read -r side option; do
        fail "$page: $option is only in $([[ $side == '<' ]] && echo --help || echo the page)"
    done < <(diff <(offered "$name") <(documented "$page") | grep '^[<>]')
    while read -r option value; do
        mentions "$page" "$option" "$value" || fail "$page: $option does not give its default, $value"
    done < <(defaults "$name")
done
if ((failures > 0)); then exit 1; fi
