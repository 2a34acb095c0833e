#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time training steps of a multi-layer perceptron in PyTorch.

usage: torch_peer.py NET [--batch N] [--batch-norm] [--device cpu|cuda] [--mode eager|graph] [--epochs E]
                     [--data DIR]

NET is widths from inputs to outputs, e.g. 3072-50-10. Prints one JSON line with the least
seconds per epoch of 45,000 rows after a warm-up epoch: forward, backward, weight decay and
plain SGD on slices of normalized rows on the device, which are CIFAR-10's with --data and
random without. --batch-norm normalizes each hidden layer by its mini-batch in front of its ReLU
and keeps running averages (of the unbiased variance, as PyTorch does). --mode graph replays one
captured CUDA graph.
"""
import numpy as np
import peer
import torch


def make_net(widths, device, batch_norm):
    layers = []
    for i, o in zip(widths[:-2], widths[1:-1]):
        layers.append(torch.nn.Linear(i, o))
        if batch_norm:
            # PyTorch's momentum is the part that a step brings.
            layers.append(torch.nn.BatchNorm1d(o, peer.EPSILON, 1 - peer.MOMENTUM))
        layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers, torch.nn.Linear(*widths[-2:])).to(device)


def make_step(net):
    weights = [p for p in net.parameters() if p.dim() == 2]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimizer = torch.optim.SGD([{"params": weights, "weight_decay": 0.01}, {"params": others}],
                                lr=0.01)

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
    parser = peer.make_parser("PyTorch peer of `lamina bench`")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mode", choices=["eager", "graph"], default="eager")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    widths, batch = peer.parse_widths(options), options.batch
    device = torch.device(options.device)
    x, labels = peer.load_rows(options.data, widths, np.float32)
    x, y = torch.from_numpy(x).to(device), torch.from_numpy(labels).to(device)
    step = make_step(make_net(widths, device, options.batch_norm))
    if options.mode == "graph":
        step = capture(step, x[:batch], y[:batch])
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    seconds = peer.time_epochs(lambda i: step(x[i : i + batch], y[i : i + batch]), options, wait)
    peer.print_answer(f"torch {options.device} {options.mode}", torch.__version__, options,
                      torch.get_num_threads(), seconds)


if __name__ == "__main__":
    main()
