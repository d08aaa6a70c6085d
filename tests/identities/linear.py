"""Matrices, and layers made of them."""

from identities.case import Case, Twin

DENSE = ("y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]",)

PRODUCT = ("c[i,k] = sum(a[i,j]*b[j,k], j)",)

CASES = (
    Case(
        "dense: dX = dY Wᵀ",
        "sum(g[n,k]*diff(y[n,k], x[m,e]), n, k) = sum(g[m,k]*w[e,k], k)",
        (
            Twin("transposed", "sum(g[n,k]*diff(y[n,k], x[m,e]), n, k) = sum(g[m,k]*w[k,e], k)"),
            Twin("bias in it", "sum(g[n,k]*diff(y[n,k], x[m,e]), n, k) = sum(g[m,k]*w[e,k] + b[k], k)"),
        ),
        DENSE,
    ),
    Case(
        "dense: dW = Xᵀ dY",
        "sum(g[n,k]*diff(y[n,k], w[d,j]), n, k) = sum(x[n,d]*g[n,j], n)",
        (
            Twin("mean for sum", "sum(g[n,k]*diff(y[n,k], w[d,j]), n, k) = mean(x[n,d]*g[n,j], n)"),
            Twin("transposed", "sum(g[n,k]*diff(y[n,k], w[d,j]), n, k) = sum(x[n,j]*g[n,d], n)"),
        ),
        DENSE,
    ),
    Case(
        "dense: db is the sum over the samples",
        "sum(g[n,k]*diff(y[n,k], b[j]), n, k) = sum(g[n,j], n)",
        (
            Twin("sum forgotten", "sum(g[n,k]*diff(y[n,k], b[j]), n, k) = g[j,j]"),
            Twin("mean for sum", "sum(g[n,k]*diff(y[n,k], b[j]), n, k) = mean(g[n,j], n)"),
        ),
        DENSE,
    ),
    Case(
        "matrix product: dA = dC Bᵀ",
        "sum(g[i,k]*diff(c[i,k], a[m,j]), i, k) = sum(g[m,k]*b[j,k], k)",
        (
            Twin("Bᵀ forgotten", "sum(g[i,k]*diff(c[i,k], a[m,j]), i, k) = sum(g[m,k], k)"),
            Twin("B for Bᵀ", "sum(g[i,k]*diff(c[i,k], a[m,j]), i, k) = sum(g[m,k]*b[k,j], k)"),
        ),
        PRODUCT,
    ),
    Case(
        "matrix product: dB = Aᵀ dC",
        "sum(g[i,k]*diff(c[i,k], b[j,m]), i, k) = sum(a[i,j]*g[i,m], i)",
        (Twin("A for Aᵀ", "sum(g[i,k]*diff(c[i,k], b[j,m]), i, k) = sum(a[j,i]*g[i,m], i)"),),
        PRODUCT,
    ),
    Case(
        "(AB)ᵀ = BᵀAᵀ",
        "f[k,i] = sum(v[k,j]*u[j,i], j)",
        (
            Twin("order kept", "f[k,i] = sum(u[k,j]*v[j,i], j)"),
            Twin("not transposed", "f[k,i] = sum(b[k,j]*a[j,i], j)"),
        ),
        ("f[k,i] = sum(a[i,j]*b[j,k], j)", "u[j,i] = a[i,j]", "v[k,j] = b[j,k]"),
    ),
    Case(
        "(AB)C = A(BC)",
        "sum(sum(a[i,j]*b[j,k], j)*c[k,l], k) = sum(a[i,j]*sum(b[j,k]*c[k,l], k), j)",
        (Twin("order", "sum(sum(a[i,j]*b[j,k], j)*c[k,l], k) = sum(c[i,j]*sum(b[j,k]*a[k,l], k), j)"),),
    ),
    Case(
        "tr(AB) = tr(BA)",
        "sum(a[i,j]*b[j,i], i, j) = sum(b[i,j]*a[j,i], i, j)",
        (
            Twin("one transposed", "sum(a[i,j]*b[j,i], i, j) = sum(a[i,j]*b[i,j], i, j)"),
            Twin("product of traces", "sum(a[i,j]*b[j,i], i, j) = sum(a[i,i], i)*sum(b[j,j], j)"),
        ),
    ),
    Case(
        "tr(ABC) = tr(CAB)",
        "sum(a[i,j]*b[j,k]*c[k,i], i, j, k) = sum(c[i,j]*a[j,k]*b[k,i], i, j, k)",
        (Twin("not cyclic", "sum(a[i,j]*b[j,k]*c[k,i], i, j, k) = sum(a[i,j]*c[j,k]*b[k,i], i, j, k)"),),
    ),
    Case(
        "the trace is linear",
        "sum(r*a[i,i] + s*b[i,i], i) = r*sum(a[i,i], i) + s*sum(b[j,j], j)",
        (
            Twin("factor forgotten", "sum(r*a[i,i] + s*b[i,i], i) = r*sum(a[i,i], i) + sum(b[j,j], j)"),
            Twin("all elements", "sum(r*a[i,i] + s*b[i,i], i) = r*sum(a[i,i], i) + s*sum(b[i,j], i, j)"),
        ),
    ),
    Case(
        "∂ tr(AX) / ∂X = Aᵀ",
        "diff(sum(a[i,j]*x[j,i], i, j), x[k,l]) = a[l,k]",
        (Twin("not transposed", "diff(sum(a[i,j]*x[j,i], i, j), x[k,l]) = a[k,l]"),),
    ),
    Case(
        "∂ tr(XᵀAX) / ∂X = (A + Aᵀ) X",
        "diff(sum(x[i,k]*a[i,j]*x[j,k], i, j, k), x[m,l]) = sum((a[m,j] + a[j,m])*x[j,l], j)",
        (
            Twin(
                "A taken to be symmetric", "diff(sum(x[i,k]*a[i,j]*x[j,k], i, j, k), x[m,l]) = 2*sum(a[m,j]*x[j,l], j)"
            ),
            Twin("one term forgotten", "diff(sum(x[i,k]*a[i,j]*x[j,k], i, j, k), x[m,l]) = sum(a[m,j]*x[j,l], j)"),
        ),
    ),
    Case(
        "gradient of a quadratic form with a symmetric matrix",
        "diff(sum(x[i]*a[i,j]*x[j], i, j), x[k]) = 2*sum(a[k,j]*x[j], j)",
        (
            Twin(
                "the matrix before it is made symmetric",
                "diff(sum(x[i]*c[i,j]*x[j], i, j), x[k]) = 2*sum(c[k,j]*x[j], j)",
            ),
            Twin("factor 2", "diff(sum(x[i]*a[i,j]*x[j], i, j), x[k]) = sum(a[k,j]*x[j], j)"),
        ),
        ("a[i,j] = (c[i,j] + c[j,i])/2",),
    ),
    Case(
        "Frobenius norm is a trace",
        "sum(a[i,j]**2, i, j) = sum(c[k,k], k)",
        (
            Twin("tr(A)²", "sum(a[i,j]**2, i, j) = sum(c[k,k], k)**2"),
            Twin("all elements", "sum(a[i,j]**2, i, j) = sum(c[k,l], k, l)"),
        ),
        ("c[k,l] = sum(a[i,k]*a[i,l], i)",),
    ),
    Case(
        "gradient of the Frobenius norm",
        "diff(f, a[i,j]) = a[i,j] / f",
        (Twin("norm forgotten", "diff(f, a[i,j]) = a[i,j]"), Twin("factor 2", "diff(f, a[i,j]) = 2*a[i,j] / f")),
        ("f = sqrt(sum(a[i,j]**2, i, j))",),
    ),
    Case(
        "bilinear form",
        "sum(g[n]*diff(y[n], w[i,j]), n) = sum(g[n]*a[n,i]*b[n,j], n)",
        (Twin("transposed", "sum(g[n]*diff(y[n], w[i,j]), n) = sum(g[n]*a[n,j]*b[n,i], n)"),),
        ("y[n] = sum(a[n,i]*w[i,j]*b[n,j], i, j)",),
    ),
    Case(
        "tied weights: the gradients add up",
        "sum(g[n,d]*diff(y[n,d], w[e,k]), n, d) = sum(g[n,e]*h[n,k], n) + sum(x[n,e]*sum(g[n,d]*w[d,k], d), n)",
        (
            Twin("the encoder forgotten", "sum(g[n,d]*diff(y[n,d], w[e,k]), n, d) = sum(g[n,e]*h[n,k], n)"),
            Twin(
                "the decoder forgotten", "sum(g[n,d]*diff(y[n,d], w[e,k]), n, d) = sum(x[n,e]*sum(g[n,d]*w[d,k], d), n)"
            ),
        ),
        ("h[n,k] = sum(x[n,d]*w[d,k], d)", "y[n,d] = sum(h[n,k]*w[d,k], k)"),
    ),
    Case(
        "embedding: rows are added up",
        "sum(g[n,d]*diff(y[n,d], w[v,e]), n, d) = sum(delta(v, ids[n])*g[n,e], n)",
        (
            Twin("ids ignored", "sum(g[n,d]*diff(y[n,d], w[v,e]), n, d) = sum(g[n,e], n)"),
            Twin("1/N too many", "sum(g[n,d]*diff(y[n,d], w[v,e]), n, d) = mean(delta(v, ids[n])*g[n,e], n)"),
        ),
        ("y[n,d] = w[ids[n],d]",),
    ),
    Case(
        "two layers with a relu: gradient of the first weights",
        "sum(g[n,o]*diff(y[n,o], w[d,k]), n, o) = sum(x[n,d]*[z[n,k] > 0]*sum(g[n,o]*v[k,o], o), n)",
        (
            Twin("relu forgotten", "sum(g[n,o]*diff(y[n,o], w[d,k]), n, o) = sum(x[n,d]*sum(g[n,o]*v[k,o], o), n)"),
            Twin(
                "mask of the sum over the samples",
                "sum(g[n,o]*diff(y[n,o], w[d,k]), n, o) = [sum(z[n,k], n) > 0]*sum(x[n,d]*sum(g[n,o]*v[k,o], o), n)",
            ),
        ),
        ("z[n,k] = sum(x[n,d]*w[d,k], d)", "h = relu(z)", "y[n,o] = sum(h[n,k]*v[k,o], k)"),
    ),
    Case(
        "recurrent step",
        "sum(g[n,k]*diff(h[n,k], c[m,j]), n, k) = sum(g[m,k]*(1 - h[m,k]**2)*u[j,k], k)",
        (
            Twin("tanh' forgotten", "sum(g[n,k]*diff(h[n,k], c[m,j]), n, k) = sum(g[m,k]*u[j,k], k)"),
            Twin("input weights", "sum(g[n,k]*diff(h[n,k], c[m,j]), n, k) = sum(g[m,k]*(1 - h[m,k]**2)*u[k,j], k)"),
        ),
        ("h[n,k] = tanh(sum(x[n,d]*w[d,k], d) + sum(c[n,j]*u[j,k], j))",),
    ),
    Case(
        "LSTM cell: gradient by the old cell",
        "diff(h, c) = o*(1 - tanh(s)**2)*sigmoid(f)",
        (
            Twin("forget gate forgotten", "diff(h, c) = o*(1 - tanh(s)**2)"),
            Twin("gate not squashed", "diff(h, c) = o*(1 - tanh(s)**2)*f"),
        ),
        ("s = sigmoid(f)*c + sigmoid(i)*tanh(a)", "h = o*tanh(s)"),
    ),
    Case(
        "gated linear unit",
        "sum(g[k]*diff(y[k], b[j]), k) = g[j]*a[j]*s[j]*(1 - s[j])",
        (
            Twin("gate's slope forgotten", "sum(g[k]*diff(y[k], b[j]), k) = g[j]*a[j]*s[j]"),
            Twin("value forgotten", "sum(g[k]*diff(y[k], b[j]), k) = g[j]*s[j]*(1 - s[j])"),
        ),
        ("s = sigmoid(b)", "y[k] = a[k]*s[k]"),
    ),
    Case(
        "residual connection",
        "sum(g[k]*diff(y[k], x[j]), k) = g[j] + g[j]*(1 - tanh(x[j])**2)",
        (Twin("the identity forgotten", "sum(g[k]*diff(y[k], x[j]), k) = g[j]*(1 - tanh(x[j])**2)"),),
        ("y[k] = x[k] + tanh(x[k])",),
    ),
)
