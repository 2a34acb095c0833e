# SPDX-License-Identifier: Apache-2.0
"""What the peers share: their command line, their rows, their clock and their answer."""
import argparse
import ctypes
import json
import os
import pathlib
import re
import time

import numpy as np

ROWS = 45000
# Of batch normalization, as in `lamina bench`: what running averages keep of themselves.
EPSILON, MOMENTUM = 1e-5, 0.9


def make_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("net", help="widths from inputs to outputs, e.g. 3072-50-10")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--batch-norm", action="store_true",
                        help="between each hidden layer and its ReLU")
    parser.add_argument("--epochs", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--limit", type=float, default=float("inf"), metavar="SECONDS",
                        help="of an epoch: a longer one is cut short and its time scaled up")
    parser.add_argument("--data", metavar="DIR", help="CIFAR-10's files; default: random rows")
    return parser


def parse_widths(options):
    return [int(width) for width in options.net.split("-")]


def load_rows(directory, widths, dtype):
    """Normalized pixels and labels: of CIFAR-10's first training rows, or of random bytes."""
    inputs, classes = widths[0], widths[-1]
    if directory is None:
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (ROWS, inputs), dtype=np.uint8)
        labels = rng.integers(0, min(classes, 10), ROWS)
    else:
        files = [pathlib.Path(directory, f"data_batch_{i}.bin") for i in range(1, 6)]
        records = np.concatenate([np.fromfile(f, np.uint8).reshape(-1, 3073) for f in files])
        pixels, labels = records[:ROWS, 1:], records[:ROWS, 0].astype(np.int64)
    x = pixels.astype(dtype)
    x /= dtype(255)
    x -= x.mean(axis=0)
    x /= x.std(axis=0)
    return x, labels


def time_epoch(step, options, wait):
    """Seconds of one epoch, or of what --limit leaves of it scaled up to the whole."""
    wait()
    start = time.perf_counter()
    steps = ROWS // options.batch
    for done in range(1, steps + 1):
        step((done - 1) * options.batch)
        if time.perf_counter() - start > options.limit:
            break
    wait()
    return (time.perf_counter() - start) * steps / done


def time_epochs(step, options, wait=lambda: None):
    """Seconds of the best epoch after one to warm up; step(i) trains on rows i .. i + batch-1."""
    time_epoch(step, options, wait)
    return min(time_epoch(step, options, wait) for _ in range(options.epochs))


def describe_blas():
    """Which library multiplies matrices in this process, in its own words where it has any."""
    try:
        maps = pathlib.Path("/proc/self/maps").read_text()
    except OSError:
        return "unknown"
    names = set(re.findall(r"/\S*/lib\S*(?:blas|mkl_rt|blis)\S*", maps))
    for name in sorted(names, key=lambda name: "openblas" not in name):
        library = ctypes.CDLL(name)
        if hasattr(library, "openblas_get_config"):
            library.openblas_get_config.restype = ctypes.c_char_p
            return library.openblas_get_config().decode()
    return ", ".join(sorted(map(os.path.basename, names))) or "unknown"


def print_answer(peer, version, options, threads, seconds):
    print(json.dumps({"peer": peer, "version": version, "blas": describe_blas(),
                      "threads": threads, "net": options.net, "batch": options.batch,
                      "batch_norm": options.batch_norm,
                      "steps_per_epoch": ROWS // options.batch, "seconds_per_epoch": seconds}))
