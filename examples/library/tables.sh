# Numbers and tables.

# values_of MEASURE: of what hl-probe --json says on stdin, the linear classifier's value for every seed, a line each.
values_of() {
    awk -v wanted="\"$1\":" '
        $1 == "\"linear\":" { linear = 1 }
        linear && $1 == wanted { inside = 1 }
        inside && $1 == "\"values\":" { gsub(/^[^[]*\[|\].*/, ""); gsub(/, */, "\n"); print; exit }'
}

# mean_std [DIGITS]: of numbers on stdin, a line each; – for none.
mean_std() {
    awk -v digits="${1:-1}" '
        { n++; d = $1 - mean; mean += d / n; squares += d * ($1 - mean) }
        END {
            if (!n) { print "–"; exit }
            printf "%.*f", digits, mean
            if (n > 1) printf " ± %.*f", digits, sqrt(squares / (n - 1))
            print ""
        }'
}

# classes: of the images of a stream on stdin, how many its header names.
classes() { hl-view --header | sed -nE 's/^data .*"classes":\[([^]]*)\].*/\1/p' | awk -F'","' '{ print NF }'; }

# columns: lines of cells with tabs between them, each column as wide as its widest cell.
columns() {
    awk -F'\t' '
        # awk may count bytes.
        function plain(text) { gsub(/±|σ|δ|μ|–/, "x", text); return text }
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; n = length(plain($i)); if (n > width[i]) width[i] = n } if (NF > most) most = NF }
        END {
            for (r = 1; r <= NR; r++) {
                line = ""
                for (i = 1; i <= most; i++) line = line cell[r, i] sprintf("%" (width[i] - length(plain(cell[r, i])) + 2) "s", "")
                sub(/ +$/, "", line); print line
            }
        }'
}

# order WHAT: of lines "row, the paper's value, ours" with tabs between them, which rows are not ahead here of others that they
# lead in the paper.
order() {
    awk -F'\t' -v what="$1" '
        $2 + 0 == $2 && $3 + 0 == $3 { n++; name[n] = $1; theirs[n] = $2; ours[n] = $3 }
        END {
            for (i = 1; i <= n; i++) {
                line = ""
                for (j = 1; j <= n; j++) if (theirs[i] > theirs[j]) {
                    pairs++
                    if (ours[i] > ours[j]) same++; else line = line (line == "" ? "" : ", ") name[j] " (" ours[j] ")"
                }
                if (line != "") text = text "  " name[i] " (" ours[i] ") is not ahead of " line "\n"
            }
            if (pairs) printf "%s: %d of %d pairs of rows are in the order of the paper%s\n%s", what, same, pairs, text == "" ? "." : "; not so:", text
        }'
}

# For awk: the quantiles that intervals take.
student=$(<"$here/library/student.awk")

# difference: of two numbers a line on stdin, their mean difference with its 95 % interval.
difference() {
    awk "$student"'
        { n++; x = $1 - $2; d = x - mean; mean += d / n; squares += d * (x - mean) }
        END {
            printf "%+.1f", mean
            if (n > 1) { half = student(n) * sqrt(squares / (n - 1) / n); printf " [%+.1f, %+.1f]", mean - half, mean + half }
            print ""
        }'
}
