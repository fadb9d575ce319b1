# The tables of photographs.sh, from the lines of its results; `sigma` prints the chosen σ of random instead.
#
#     awk -f library/student.awk -f photographs.awk -v generator=… -v data=… -v settings=… -v arms=a,b -v methods=m,n
#         -v txs=simclr,no-color -v ratio=10:1 [-v sigma=T_X] results.tsv
#
# A line is: generator, data, arm, σ, method, T_x, seed, settings, version, scores as set=top-1,… with tabs between.

function root(x) { return x > 0 ? sqrt(x) : 0 }

function padded(text, width,    plain) {
    plain = text
    # awk may count bytes.
    gsub(/±|σ|–/, "x", plain)
    return text sprintf("%" (width > length(plain) ? width - length(plain) : 1) "s", "")
}

# The σ of random with the best score on validation photographs, at seed 1 and the first method.
function chosen(tx,    i, key, best, top) {
    best = ""
    for (i = 1; i <= sigmas; i++) {
        key = "random" SUBSEP sigma_at[i] SUBSEP method_at[1] SUBSEP tx SUBSEP 1 SUBSEP "validation"
        if (key in score && (best == "" || score[key] > top)) { best = sigma_at[i]; top = score[key] }
    }
    return best
}

# The score of an arm, or "".
function value(arm, method, tx, seed, set,    sigma, key) {
    if (arm == "untrained") method = tx = "-"
    sigma = arm == "random" ? chosen(tx) : arm == "mixed" ? ratio : "-"
    key = arm SUBSEP sigma SUBSEP method SUBSEP tx SUBSEP seed SUBSEP set
    return key in score ? score[key] : ""
}

# The T_x of an arm where each has what the paper gives it.
function own(arm, tx) { return tx != "paper" ? tx : arm ~ /^hl/ ? "no-color" : "simclr" }

# Mean ± std over the seeds, with their number where not all are there.
function cell(arm, method, tx, set,    seed, v, n, sum, squares, mean, text) {
    for (seed in seeds) {
        v = value(arm, method, own(arm, tx), seed, set)
        if (v != "") { n++; sum += v; squares += v * v }
    }
    if (!n) return "–"
    mean = sum / n
    text = sprintf("%.2f", mean)
    if (n > 1) text = text sprintf(" ± %.2f", root((squares - n * mean * mean) / (n - 1)))
    return text (n < seed_count && arm != "untrained" ? " (" n ")" : "")
}

# The paired difference of two arms with its 95 % interval.
function difference(a, b, method, tx, set,    seed, x, y, n, sum, squares, mean, half) {
    for (seed in seeds) {
        x = value(a, method, own(a, tx), seed, set)
        y = value(b, method, own(b, tx), seed, set)
        if (x != "" && y != "") { n++; sum += x - y; squares += (x - y) ^ 2 }
    }
    if (!n) return "–"
    mean = sum / n
    if (n == 1) return sprintf("%+.2f (one seed)", mean)
    half = student(n) * root((squares - n * mean * mean) / (n - 1) / n)
    return sprintf("%+.2f [%+.2f, %+.2f]", mean, mean - half, mean + half) (n < seed_count ? " (" n ")" : "")
}

function name(arm, tx,    s) {
    if (arm == "hl") return "HL random"
    if (arm == "hl-d") return "HL random (D)"
    if (arm == "hl-learned") return "HL learned"
    if (arm == "mixed") return "real + HL " ratio
    if (arm == "hl-learned-d") return "HL learned (D)"
    return arm
}

# A table with a row for every arm and a column for every T_x.
function table(method, set,    i, j, line) {
    line = padded("arm", 18)
    for (j = 1; j <= columns; j++) line = line padded(column[j] == "paper" ? "the paper's T_x" : column[j], 20)
    trim(line)
    for (i = 1; i <= arm_count; i++) {
        line = padded(name(arm_at[i]), 18)
        for (j = 1; j <= columns; j++)
            line = line padded(arm_at[i] == "untrained" && j > 1 ? "" : cell(arm_at[i], method, column[j], set), 20)
        trim(line)
    }
}

function trim(line) { sub(/ +$/, "", line); print line }

BEGIN {
    FS = "\t"
    arm_count = split("untrained," arms, arm_at, ",")
    method_count = split(methods, method_at, ",")
    columns = split(txs, column, ",")
    # Where both of the paper's sets are there, they have a column together, the first.
    if ("," txs "," ~ /,simclr,/ && "," txs "," ~ /,no-color,/) {
        for (i = columns; i >= 1; i--) column[i + 1] = column[i]
        column[1] = "paper"
        columns++
    }
    for (i = 1; i <= arm_count; i++) wanted[arm_at[i]] = 1
}

/^#/ || NF < 10 { next }
$2 != data || $8 != settings || $1 != "-" && $1 != generator { next }
{
    count = split($10, parts, ",")
    for (i = 1; i <= count; i++) {
        split(parts[i], pair, "=")
        score[$3, $4, $5, $6, $7, pair[1]] = pair[2]
        if (pair[1] != "validation" && pair[1] != "test" && !(pair[1] in known)) { known[pair[1]] = 1; set_at[++sets] = pair[1] }
    }
    if (!($7 in seeds)) { seeds[$7] = 1; seed_count++ }
    if ($3 == "random" && !($4 in seen)) { seen[$4] = 1; sigma_at[++sigmas] = $4 }
    versions[$9] = 1
}

END {
    if (sigma != "") { print chosen(sigma); exit }
    if (!seed_count) { print "There are no results of this generator, these photographs and these settings."; exit }
    for (m = 1; m <= method_count; m++) {
        method = method_at[m]
        printf "Table 2: %s, top-1 on test photographs of %s in percent, mean ± std over paired seeds\n\n", method, data
        table(method, "test")
        print "\nPaired differences with 95 % intervals\n"
        pairs = split("hl-random hl-synth hl-real random-synth hl_d-hl learned-random hl_learned-learned hl_learned-hl hl_learned_d-hl_learned mixed-real mixed-hl", pair_at, " ")
        line = padded("", 34)
        for (j = 1; j <= columns; j++) line = line padded(column[j] == "paper" ? "the paper's T_x" : column[j], 28)
        trim(line)
        for (p = 1; p <= pairs; p++) {
            split(pair_at[p], sides, "-")
            gsub(/_/, "-", sides[1]); gsub(/_/, "-", sides[2])
            if (!(sides[1] in wanted) || !(sides[2] in wanted)) continue
            line = padded(name(sides[1]) " – " name(sides[2]), 34)
            for (j = 1; j <= columns; j++) line = line padded(difference(sides[1], sides[2], method, column[j], "test"), 28)
            trim(line)
        }
        if ("random" in wanted) {
            line = "\nσ of random, the best on validation photographs at seed 1:"
            for (j = 1; j <= columns; j++) if (column[j] != "paper") line = line sprintf(" %s %s;", column[j], chosen(column[j]))
            sub(/;$/, "", line); print line
        }
        if (sets) {
            under = column[1] == "paper" ? "the paper's T_x" : "T_x " column[1]
            printf "\nTable 3: %s, %s, transfer, by the measure of each set in percent\n\n", method, under
            line = padded("arm", 18)
            for (s = 1; s <= sets; s++) line = line padded(set_at[s], 18)
            trim(line "mean")
            for (i = 1; i <= arm_count; i++) {
                line = padded(name(arm_at[i]), 18)
                total = complete = 0
                for (s = 1; s <= sets; s++) {
                    text = cell(arm_at[i], method, column[1], set_at[s])
                    line = line padded(text, 18)
                    if (text != "–") { total += text; complete++ }
                }
                print line (complete == sets ? sprintf("%.2f", total / sets) : "–")
            }
        }
        print ""
    }
    line = ""
    for (v in versions) line = line " " v
    print "Made by" line " with " settings "; generator " generator
    if (generator ~ /\+labels$/) print "The generator was trained with labels of its photographs, which all arms but real have seen then too."
}
