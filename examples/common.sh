# What the examples have in common; each sources it before anything else.

fail() { echo "$(basename "$0"): error: $2" >&2; exit "$1"; }

# --help is the comment at the top.
for argument; do
    case $argument in -h | --help) sed -n '2,$ { /^#/!q; s/^# \{0,1\}//p }' "$0"; exit ;; esac
done

# The programs are those on PATH, else those that `make` has built.
here=$(cd "$(dirname "$0")" && pwd)
command -v hl-sample >/dev/null || PATH="$here/../.build/release:$PATH"
command -v hl-sample >/dev/null || fail 66 "there is no hl-sample: run make, or put the programs on PATH"

# Numbers have points everywhere.
export LC_NUMERIC=C

say() { printf '%s %d:%02d %s\n' "$(basename "$0")" $((SECONDS / 3600)) $((SECONDS / 60 % 60)) "$*" >&2; }

# keep FILE COMMAND…: leaves the command's output in the file when it has succeeded; a file that is there stays.
keep() {
    [[ ! -e $1 ]] || return 0
    local status=0
    "${@:2}" >"$1.part" || status=$?
    if ((status > 0)); then
        rm -f "$1.part"
        return $status
    fi
    mv "$1.part" "$1"
}

# made_with SETTINGS: refuses the folder where what is kept in it was made with others.
made_with() {
    [[ ! -e settings || $(<settings) == "$1" ]] ||
        fail 78 "$PWD was made with other settings ($(<settings)): give the same, or another folder"
    echo "$1" >settings
}

# What experiments have in common besides.
for part in tables arms paper ablations; do source "$here/library/$part.sh"; done
unset part
