#!/usr/bin/env bash
# Tests/check_format.sh [--fix] [c] [swift]
#
# Says which files are not formatted as .clang-format and .swift-format at the root say, and fails if there are any;
# with --fix it formats them. Without a language it takes both. C is skipped where there is no clang-format.
set -euo pipefail
cd "$(dirname "$0")/.."

fix=
languages=()
for argument; do
    case $argument in
        --fix) fix=1 ;;
        c | swift) languages+=("$argument") ;;
        *)
            echo "check_format.sh: unknown argument $argument: give --fix, c or swift" >&2
            exit 64
            ;;
    esac
done
if ((${#languages[@]} == 0)); then languages=(c swift); fi

check_c() {
    local tool=${CLANG_FORMAT:-clang-format} files
    if ! command -v "$tool" >/dev/null; then
        echo "check_format.sh: no $tool: the format of the C files is not checked" >&2
        return
    fi
    mapfile -t files < <(find Sources Tests Benchmarks .ci \( -name '*.c' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' -o -name '*.cpp' \) -print | sort)
    if [[ -n $fix ]]; then
        "$tool" -i --style=file "${files[@]}"
    else
        "$tool" --dry-run -Werror --style=file "${files[@]}" || failed+=(C)
    fi
}

check_swift() {
    local files=(Sources Tests Benchmarks Package.swift)
    if [[ -n $fix ]]; then
        swift format --in-place --parallel --recursive "${files[@]}"
    else
        swift format lint --strict --parallel --recursive "${files[@]}" || failed+=(Swift)
    fi
}

failed=()
for language in "${languages[@]}"; do "check_$language"; done
if ((${#failed[@]} > 0)); then
    echo "check_format.sh: ${failed[*]}: run Tests/check_format.sh --fix" >&2
    exit 1
fi
