#!/usr/bin/env bash
# Usage: man/check.sh FOLDER
#
# Checks that every man page is well formed, is found by apropos and shows in its synopsis what is typed, as far as the
# tools for that are installed; that it has the sections that all have in common, cross references to pages that are
# there, exactly the options that its program, in FOLDER, prints under --help, with their defaults, and its examples; and
# that the overview and the recipes leave none out.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:?usage: man/check.sh FOLDER}
failures=0

fail() {
    echo "man/check.sh: $*" >&2
    failures=$((failures + 1))
}

for tool in mandoc man lexgrog; do
    command -v $tool >/dev/null || echo "man/check.sh: no $tool: what it knows of the pages is not checked" >&2
done

# What mandoc and groff have to say about a page, nothing for a good one. Three remarks of style are no fault here: lines
# may have 120 columns as everywhere in these sources, the pages name the package for the system, and the pages that they
# refer to need not be installed.
lint() {
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W style "$1" 2>/dev/null |
            grep -vE 'longer than 80 bytes|operating system explicitly specified|referenced manual not found' || true
    fi
    if command -v groff >/dev/null && command -v man >/dev/null; then
        LC_ALL=C.UTF-8 man --warnings -l "$1" 2>&1 >/dev/null || true
    fi
}

# The lines of a section as they are read.
shown() {
    LC_ALL=C.UTF-8 MANWIDTH=100 man -l "$1" 2>/dev/null | col -bx |
        sed -n "/^$2/,/^[A-Z]/p" | sed '1d; /^[A-Z]/d' | grep -v '^ *$'
}

# The commands of a page's examples, one per line, continued lines joined.
commands() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$1" | sed -E 's/^\.Dl //; /^\./d; s/\\e$/\\/; s/\\e/\\/g' |
        sed -E ':a; /(\||\\)$/ { N; s/\\?\n */ /; ba }' | tr -s ' '
}

# The options that a page explains, one per line.
documented() {
    sed -n 's/^\.It Fl \(.*\)/ , Fl \1/p' "$1" | grep -oE ', Fl [A-Za-z0-9-]+' | sed 's/, Fl /-/' | sort -u
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
    name=$(basename "${page%.*}")
    # What apropos and `man -k` show.
    if command -v lexgrog >/dev/null && ! lexgrog "$page" | grep -qF ": \"$name - "; then
        fail "$page: apropos finds no description: $(lexgrog "$page")"
    fi
    # A picture is not for a terminal.
    if commands "$page" | grep -E '\| hl-view( --?(rows|columns|skip|zoom|seed) [^ ]+)*$'; then
        fail "$page: an example has hl-view write a picture to the terminal"
    fi
    while read -r other section; do
        [[ -e man/$other.$section ]] || fail "$page: there is no page $other($section)"
    done < <(sed -nE 's/^\.(Xr|Pq Xr) (hl-[a-z-]+) ([0-9]).*/\2 \3/p' "$page")
    [[ $name = hl-views ]] || grep -qE '^\.Xr hl-views 7' "$page" || fail "$page: hl-views(7) is not under SEE ALSO"
    [[ $name = hl-views ]] || grep -qE "^\.Xr $name ${page##*.}( ,)?\$" man/hl-views.7 ||
        fail "man/hl-views.7: $name(${page##*.}) is not under SEE ALSO"
done
for program in Sources/hl-*; do
    grep -v '^\.' man/hl-recipes.7 | grep "${program##*/} " >/dev/null || fail "man/hl-recipes.7: no recipe has ${program##*/}"
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
    while read -r example; do
        grep -qxF -- "$example" <(commands "$page") || fail "$page: no example $example"
    done < <(help_of "$name" | sed -n '/^EXAMPLES:/,$ { s/^  //p }')
    command -v man >/dev/null && command -v col >/dev/null || continue
    call=$(help_of "$name" | sed -nE 's/^USAGE: (hl-[a-z]+( [a-z]+)?).*/\1/p')
    shown "$page" SYNOPSIS | head -n 1 | grep -qE "^ *$call " || fail "$page: the synopsis does not begin with $call"
done
if ((failures > 0)); then exit 1; fi
