#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time training steps of a multi-layer perceptron in NumPy, as the published reports wrote them.

usage: numpy_peer.py NET [--batch N] [--dtype f32|f64] [--epochs E] [--data DIR]

NET is widths from inputs to outputs, e.g. 3072-50-10. Prints one JSON line with the least
seconds per epoch of 45,000 rows after a warm-up epoch: forward, backward, L2 and plain SGD on
slices of normalized rows in memory, which are CIFAR-10's with --data and random without.
"""
import argparse
import json
import pathlib
import time

import numpy as np

ROWS = 45000


def load(directory, inputs, rng):
    if directory is None:
        return rng.standard_normal((ROWS, inputs)), rng.integers(0, 10, ROWS)
    files = [pathlib.Path(directory, f"data_batch_{i}.bin") for i in range(1, 6)]
    records = np.concatenate([np.fromfile(f, np.uint8).reshape(-1, 3073) for f in files])[:ROWS]
    pixels = records[:, 1:] / 255
    return (pixels - pixels.mean(axis=0)) / pixels.std(axis=0), records[:, 0]


class Net:
    def __init__(self, widths, dtype, rng):
        self.rate, self.l2 = dtype(0.01), dtype(0.005)
        shapes = list(zip(widths, widths[1:]))
        self.w = [(rng.standard_normal(s) * np.sqrt(2 / s[0])).astype(dtype) for s in shapes]
        self.b = [np.zeros(s[1], dtype) for s in shapes]

    def step(self, x, one_hot):
        values = [x]
        for w, b in zip(self.w[:-1], self.b[:-1]):
            values.append(np.maximum(values[-1] @ w + b, 0))
        logits = values[-1] @ self.w[-1] + self.b[-1]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        gradient = (p - one_hot) / x.dtype.type(len(x))
        for k in reversed(range(len(self.w))):
            dw = values[k].T @ gradient + 2 * self.l2 * self.w[k]
            db = gradient.sum(axis=0)
            if k > 0:
                gradient = (gradient @ self.w[k].T) * (values[k] > 0)
            self.w[k] -= self.rate * dw
            self.b[k] -= self.rate * db


def main():
    parser = argparse.ArgumentParser(description="NumPy peer of `lamina bench`")
    parser.add_argument("net")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--dtype", choices=["f32", "f64"], default="f32")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--data")
    options = parser.parse_args()
    dtype = {"f32": np.float32, "f64": np.float64}[options.dtype]
    widths = [int(width) for width in options.net.split("-")]
    rng = np.random.default_rng(0)
    x, y = load(options.data, widths[0], rng)
    x, one_hot = x.astype(dtype), np.eye(widths[-1], dtype=dtype)[y]
    net, best = Net(widths, dtype, rng), float("inf")
    for epoch in range(options.epochs + 1):
        start = time.perf_counter()
        for i in range(0, ROWS - options.batch + 1, options.batch):
            net.step(x[i : i + options.batch], one_hot[i : i + options.batch])
        if epoch > 0:
            best = min(best, time.perf_counter() - start)
    print(json.dumps({"peer": f"numpy {options.dtype}", "version": np.__version__,
                      "net": options.net, "batch": options.batch, "seconds_per_epoch": best}))


if __name__ == "__main__":
    main()
