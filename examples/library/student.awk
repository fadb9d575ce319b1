# Two-sided 95 % quantile of Student's t for n values.
function student(n,    q) {
    split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131", q, " ")
    return n - 1 in q ? q[n - 1] : 1.96 + 2.4 / (n - 1)
}
