#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time training steps of a multi-layer perceptron in PyTorch.

usage: torch_peer.py NET [--batch N] [--device cpu|cuda] [--mode eager|graph] [--epochs E]

NET is widths from inputs to outputs, e.g. 3072-50-10. Prints one JSON line with the least
seconds per epoch of 45,000 rows after a warm-up epoch: forward, backward, weight decay and
plain SGD on slices of random rows on the device. --mode graph replays one captured CUDA graph.
"""
import argparse
import json
import time

import torch

ROWS = 45000


def make_net(widths, device):
    layers = []
    for i, o in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(device)


def make_step(net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, weight_decay=0.01)

    def step(x, y):
        optimizer.zero_grad(set_to_none=False)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def capture(step, x, y):
    """A function that copies a batch into place and replays the step as a graph."""
    x_place, y_place = x.clone(), y.clone()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step(x_place, y_place)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(x_place, y_place)

    def replay(x_batch, y_batch):
        x_place.copy_(x_batch)
        y_place.copy_(y_batch)
        graph.replay()

    return replay


def main():
    parser = argparse.ArgumentParser(description="PyTorch peer of `lamina bench`")
    parser.add_argument("net")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mode", choices=["eager", "graph"], default="eager")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    widths = [int(width) for width in options.net.split("-")]
    device, batch = torch.device(options.device), options.batch
    x = torch.randn(ROWS, widths[0], device=device)
    y = torch.randint(0, widths[-1], (ROWS,), device=device)
    step, best = make_step(make_net(widths, device)), float("inf")
    if options.mode == "graph":
        step = capture(step, x[:batch], y[:batch])
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for epoch in range(options.epochs + 1):
        wait()
        start = time.perf_counter()
        for i in range(0, ROWS - batch + 1, batch):
            step(x[i : i + batch], y[i : i + batch])
        wait()
        if epoch > 0:
            best = min(best, time.perf_counter() - start)
    print(json.dumps({"peer": f"torch {options.device} {options.mode}",
                      "version": torch.__version__, "net": options.net, "batch": batch,
                      "seconds_per_epoch": best}))


if __name__ == "__main__":
    main()
