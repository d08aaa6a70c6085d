"""Blocks: compositions whose backward pass is derived as one; intermediates have the names that people give them."""

from derive.record import Record

PLACE = 70
VASWANI = "Vaswani et al., Attention is all you need, NeurIPS 2017"
SHAZEER = "Shazeer, GLU variants improve transformer, arXiv 2002.05202, 2020"

RECORDS = (
    Record(
        name="attention",
        group="blocks",
        title="scaled dot-product attention",
        definition=(
            "s[...,i,j] = sum(q[...,i,d] * k[...,j,d], d) / sqrt(D); "
            "p[...,i,j] = exp(s[...,i,j]) / sum(exp(s[...,i,l]), l); "
            "y[...,i,e] = sum(p[...,i,j] * v[...,j,e], j)"
        ),
        source=VASWANI,
    ),
    Record(
        name="causal-attention",
        group="blocks",
        title="scaled dot-product attention to what is not later",
        definition=(
            "s[...,i,j] = sum(q[...,i,d] * k[...,j,d], d) / sqrt(D); "
            "p[...,i,j] = [i >= j] * exp(s[...,i,j]) / sum([i >= l] * exp(s[...,i,l]), l); "
            "y[...,i,e] = sum(p[...,i,j] * v[...,j,e], j)"
        ),
        source=VASWANI,
    ),
    Record(
        name="masked-attention",
        group="blocks",
        title="scaled dot-product attention with a mask that is added: 0 where to look, -inf where not to",
        definition=(
            "s[...,i,j] = sum(q[...,i,d] * k[...,j,d], d) / sqrt(D) + mask[i,j]; "
            "p[...,i,j] = exp(s[...,i,j]) / sum(exp(s[...,i,l]), l); "
            "y[...,i,e] = sum(p[...,i,j] * v[...,j,e], j)"
        ),
        inputs=("q", "k", "v", "mask"),
        labels=("mask",),
        source=VASWANI,
    ),
    Record(
        name="multi-head-attention",
        group="blocks",
        title="self-attention with heads h: projections, attention, projection of all heads",
        definition=(
            "q[n,h,t,d] = sum(x[n,t,c] * wq[c,h,d], c); "
            "k[n,h,t,d] = sum(x[n,t,c] * wk[c,h,d], c); "
            "v[n,h,t,d] = sum(x[n,t,c] * wv[c,h,d], c); "
            "s[n,h,i,j] = sum(q[n,h,i,d] * k[n,h,j,d], d) / sqrt(D); "
            "p[n,h,i,j] = exp(s[n,h,i,j]) / sum(exp(s[n,h,i,l]), l); "
            "a[n,h,t,d] = sum(p[n,h,t,j] * v[n,h,j,d], j); "
            "y[n,t,c] = sum(a[n,h,t,d] * wo[h,d,c], h, d)"
        ),
        learned={"wq": "normal", "wk": "normal", "wv": "normal", "wo": "normal"},
        arguments={"n_features": "C", "n_heads": "H", "head_size": "D"},
        source=VASWANI,
    ),
    Record(
        name="rotary",
        group="blocks",
        title="rotary embedding: the halves r = 0, 1 of a head's features turned by angles, given as cosines and sines",
        definition=(
            "R = 2; y[n,h,t,r,d] = x[n,h,t,r,d] * cos[t,d] "
            "+ (delta(r, 1) * x[n,h,t,0,d] - delta(r, 0) * x[n,h,t,1,d]) * sin[t,d]"
        ),
        inputs=("x", "cos", "sin"),
        labels=("cos", "sin"),
        source="Su et al., RoFormer: enhanced transformer with rotary position embedding, arXiv 2104.09864, 2021",
    ),
    Record(
        name="swiglu",
        group="blocks",
        title="gated linear unit whose gate is a sigmoid linear unit",
        definition=(
            "a[...,k] = sum(x[...,d] * w[d,k], d); "
            "c[...,k] = sum(x[...,d] * v[d,k], d); "
            "s = sigmoid(a); "
            "y[...,k] = a[...,k] * s[...,k] * c[...,k]"
        ),
        learned={"w": "normal", "v": "normal"},
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source=SHAZEER,
    ),
    Record(
        name="geglu",
        group="blocks",
        title="gated linear unit whose gate is a Gaussian error linear unit",
        definition=(
            "a[...,k] = sum(x[...,d] * w[d,k], d); "
            "c[...,k] = sum(x[...,d] * v[d,k], d); "
            "h = gelu(a); "
            "y[...,k] = h[...,k] * c[...,k]"
        ),
        learned={"w": "normal", "v": "normal"},
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source=SHAZEER,
    ),
    Record(
        name="residual-layer-norm",
        group="blocks",
        title="layer normalisation of a sum: of what goes past a sublayer and of what comes out of it",
        definition="h[...,k] = x[...,k] + r[...,k]; y = layer_norm(h, g, b, eps)",
        inputs=("x", "r", "g", "b", "eps"),
        defaults={"eps": "1e-5"},
        arguments={"n_features": "K"},
        source=VASWANI,
    ),
    Record(
        name="transformer-block",
        group="blocks",
        title="block of a decoder, normalised before each sublayer: causal self-attention, then two dense layers",
        definition=(
            "mu[n,t] = mean(x[n,t,c], c); "
            "sigma[n,t] = sqrt(mean((x[n,t,c] - mu[n,t])**2, c) + eps); "
            "xhat[n,t,c] = (x[n,t,c] - mu[n,t]) / sigma[n,t]; "
            "u[n,t,c] = g[c] * xhat[n,t,c] + b[c]; "
            "q[n,h,t,d] = sum(u[n,t,c] * wq[c,h,d], c); "
            "k[n,h,t,d] = sum(u[n,t,c] * wk[c,h,d], c); "
            "v[n,h,t,d] = sum(u[n,t,c] * wv[c,h,d], c); "
            "s[n,h,i,j] = sum(q[n,h,i,d] * k[n,h,j,d], d) / sqrt(D); "
            "p[n,h,i,j] = [i >= j] * exp(s[n,h,i,j]) / sum([i >= l] * exp(s[n,h,i,l]), l); "
            "a[n,h,t,d] = sum(p[n,h,t,j] * v[n,h,j,d], j); "
            "z[n,t,c] = x[n,t,c] + sum(a[n,h,t,d] * wo[h,d,c], h, d); "
            "mu2[n,t] = mean(z[n,t,c], c); "
            "sigma2[n,t] = sqrt(mean((z[n,t,c] - mu2[n,t])**2, c) + eps); "
            "zhat[n,t,c] = (z[n,t,c] - mu2[n,t]) / sigma2[n,t]; "
            "r[n,t,c] = g2[c] * zhat[n,t,c] + b2[c]; "
            "f[n,t,m] = sum(r[n,t,c] * w1[c,m], c) + c1[m]; "
            "e = gelu(f); "
            "y[n,t,c] = z[n,t,c] + sum(e[n,t,m] * w2[m,c], m) + c2[c]"
        ),
        inputs=("x", "g", "b", "wq", "wk", "wv", "wo", "g2", "b2", "w1", "c1", "w2", "c2", "eps"),
        defaults={"eps": "1e-5"},
        learned={
            "g": "1",
            "b": "0",
            "wq": "normal",
            "wk": "normal",
            "wv": "normal",
            "wo": "normal",
            "g2": "1",
            "b2": "0",
            "w1": "normal",
            "c1": "0",
            "w2": "normal",
            "c2": "0",
        },
        arguments={"n_features": "C", "n_heads": "H", "head_size": "D", "n_hidden": "M"},
        source="Xiong et al., On layer normalization in the transformer architecture, ICML 2020",
    ),
    Record(
        name="linear-softmax-cce",
        group="blocks",
        title="dense layer, softmax and categorical cross-entropy, labels as class numbers",
        definition="z = dense(x, w, b); p = softmax(z); L = cce_sparse(p, t)",
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source="Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2",
    ),
    Record(
        name="linear-mse",
        group="blocks",
        title="dense layer and mean squared error: linear regression",
        definition="z = dense(x, w, b); L = mse(z, t)",
        labels=("t",),
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source="Legendre, Nouvelles methodes pour la determination des orbites des cometes, 1805",
    ),
)
