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
