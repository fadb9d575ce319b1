#!/usr/bin/env bash
# Tests/check_docs.sh ROOM…
#
# Says which declarations of these rooms (HLCompute, HLNet) that others see have no doc comment, and fails if there are
# any. The linter knows public ones only, so that it reads a copy in which `package` and the requirements of protocols are
# public. What fulfils a requirement of the same room has the requirement's comment.
set -euo pipefail
cd "$(dirname "$0")/.."
(($#)) || { echo "usage: check_docs.sh ROOM..." >&2; exit 64; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
rule=AllPublicDeclarationsHaveDocumentation
sed "s/\"$rule\": *false/\"$rule\": true/" .swift-format >"$copy/rules.json"
grep -q "\"$rule\": true" "$copy/rules.json"

failed=0
for room; do
    cp -r "Sources/$room" "$copy/"
    find "$copy/$room" -name '*.swift' -exec sed -E -i 's/^( *(@[a-zA-Z]+(\([^)]*\))? )*)package /\1public /' {} +
    # Requirements are what stands indented by four in a protocol. The linter passes over them, but not in a class.
    find "$copy/$room" -name '*.swift' -exec sed -E -i \
        -e '/^public protocol /,/^\}/s/^    (func|var|init|static func)\b/    public \1/' \
        -e 's/^public protocol /public class Required/' {} +
    required=$(find "$copy/$room" -name '*.swift' -exec sed -n -E '/^public class Required/,/^\}/p' {} + |
        sed -n -E 's/^    public (static )?(func|var) ([A-Za-z]+).*/\3/p' | sort -u)
    while IFS=: read -r file line _ _ message; do
        name=${message#*\'}
        name=${name%%[( \']*}
        # A requirement itself is not excused by its own name.
        if ! sed -n '/^public class Required/,/^}/=' "$file" | grep -qx "$line" && grep -qx -- "$name" <<<"$required"; then
            continue
        fi
        echo "Sources/${file#"$copy/"}:$line: no doc comment: $name"
        failed=1
    done < <(swift format lint -r --configuration "$copy/rules.json" "$copy/$room" 2>&1 | grep -F "[$rule]")
done
exit "$failed"
