#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time training steps of a multi-layer perceptron in NumPy, as the published reports wrote them.

usage: numpy_peer.py NET [--batch N] [--batch-norm] [--dtype f32|f64] [--epochs E] [--data DIR]

NET is widths from inputs to outputs, e.g. 3072-50-10. Prints one JSON line with the least
seconds per epoch of 45,000 rows after a warm-up epoch: forward, backward, L2 and plain SGD on
slices of normalized rows in memory, which are CIFAR-10's with --data and random without. With
--batch-norm each hidden layer is normalized by its mini-batch in front of its ReLU, and running
averages are kept.
"""
import os

import numpy as np
import peer


class BatchNorm:
    def __init__(self, width, dtype):
        self.gamma, self.beta = np.ones(width, dtype), np.zeros(width, dtype)
        self.moments = None
        self.epsilon, self.kept = dtype(peer.EPSILON), dtype(peer.MOMENTUM)

    def forward(self, z):
        moments = np.stack([z.mean(axis=0), z.var(axis=0)])
        first = self.moments is None
        self.moments = moments if first else self.kept * self.moments + (1 - self.kept) * moments
        self.inverse = 1 / np.sqrt(moments[1] + self.epsilon)
        self.scaled = (z - moments[0]) * self.inverse
        return self.gamma * self.scaled + self.beta

    def backward(self, gradient, rate):
        rows = gradient.dtype.type(len(gradient))
        dgamma, dbeta = (gradient * self.scaled).sum(axis=0), gradient.sum(axis=0)
        gradient = (self.gamma * self.inverse) * (
            gradient - dbeta / rows - self.scaled * (dgamma / rows))
        self.gamma -= rate * dgamma
        self.beta -= rate * dbeta
        return gradient


class Net:
    def __init__(self, widths, dtype, batch_norm=False):
        rng = np.random.default_rng(1)
        self.rate, self.l2 = dtype(0.01), dtype(0.005)
        shapes = list(zip(widths, widths[1:]))
        self.w = [(rng.standard_normal(s) * np.sqrt(2 / s[0])).astype(dtype) for s in shapes]
        self.b = [np.zeros(s[1], dtype) for s in shapes]
        self.norms = [BatchNorm(width, dtype) if batch_norm else None for width in widths[1:-1]]

    def step(self, x, one_hot):
        values = [x]
        for w, b, norm in zip(self.w, self.b, self.norms):
            z = values[-1] @ w + b
            values.append(np.maximum(norm.forward(z) if norm else z, 0))
        logits = values[-1] @ self.w[-1] + self.b[-1]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        gradient = (p - one_hot) / x.dtype.type(len(x))
        for k in reversed(range(len(self.w))):
            dw = values[k].T @ gradient + 2 * self.l2 * self.w[k]
            db = gradient.sum(axis=0)
            if k > 0:
                gradient = (gradient @ self.w[k].T) * (values[k] > 0)
                if self.norms[k - 1]:
                    gradient = self.norms[k - 1].backward(gradient, self.rate)
            self.w[k] -= self.rate * dw
            self.b[k] -= self.rate * db


def main():
    parser = peer.make_parser("NumPy peer of `lamina bench`")
    parser.add_argument("--dtype", choices=["f32", "f64"], default="f32")
    options = parser.parse_args()
    dtype = {"f32": np.float32, "f64": np.float64}[options.dtype]
    widths, batch = peer.parse_widths(options), options.batch
    x, labels = peer.load_rows(options.data, widths, dtype)
    one_hot = np.eye(widths[-1], dtype=dtype)[labels]
    net = Net(widths, dtype, options.batch_norm)
    seconds = peer.time_epochs(lambda i: net.step(x[i : i + batch], one_hot[i : i + batch]),
                               options)
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
    peer.print_answer(f"numpy {options.dtype}", np.__version__, options, threads, seconds)


if __name__ == "__main__":
    main()
