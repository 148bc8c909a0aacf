#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps of examples/train_cnn beside the same network, batch and threads in PyTorch on the CPU.

Each run is a process of its own; the runs of the programs alternate. PyTorch runs in both of its memory formats, and its
faster one counts. Usage:
  python3 benchmarks/peers/train_cnn.py --program build/quickstart/bin/train_cnn --threads 2
Needs numpy and torch from PyPI, and Fashion-MNIST (Debian: dataset-fashion-mnist). A step is a batch of 128 images with
forward, loss, backward and AdamW; tilery's steps also move and mirror the images, PyTorch's do not. tilery's figure is the
trainer's own (images a second of the first 150 steps); the first 20 of PyTorch's steps do not count.
"""
import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

STEPS = 150
BATCH = 128


def torch_images_a_second(folder, threads, channels_last):
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    with gzip.open(os.path.join(folder, "train-images-idx3-ubyte.gz")) as file:
        images = np.frombuffer(file.read(), np.uint8)[16:].reshape(-1, 1, 28, 28).astype(np.float32) / 255
    with gzip.open(os.path.join(folder, "train-labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(), np.uint8)[8:].astype(np.int64)
    memory = torch.channels_last if channels_last else torch.contiguous_format

    class scaled(torch.nn.Module):
        """A convolution whose filters are multiplied by a scale for each of them."""

        def __init__(self, inputs, outputs, taps, stride, bias):
            super().__init__()
            self.filters = torch.nn.Conv2d(inputs, outputs, taps, stride, taps // 2, bias=False)
            self.scale = torch.nn.Parameter(torch.ones(outputs, 1, 1, 1))
            self.bias = torch.nn.Parameter(torch.zeros(outputs)) if bias else None
            self.stride, self.padding = stride, taps // 2

        def forward(self, x):
            return torch.nn.functional.conv2d(x, self.filters.weight * self.scale, self.bias, self.stride, self.padding)

    class block(torch.nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.first, self.second = scaled(inputs, outputs, 3, stride, True), scaled(outputs, outputs, 3, 1, True)
            self.shortcut = scaled(inputs, outputs, 1, stride, False) if stride > 1 else torch.nn.Identity()

        def forward(self, x):
            return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))

    class mean(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))

    network = torch.nn.Sequential(
        scaled(1, 16, 3, 1, True), torch.nn.ReLU(), block(16, 16, 1), block(16, 32, 2), block(32, 64, 2), mean(),
        torch.nn.Linear(64, 10)
    ).to(memory_format=memory)
    weights = sum(p.numel() for p in network.parameters())
    optimizer = torch.optim.AdamW(network.parameters(), 0.008, weight_decay=0.02, fused=True)
    images = torch.from_numpy(images).to(memory_format=memory)
    labels = torch.from_numpy(labels)
    order = torch.randperm(len(images))
    warm = 20
    for step in range(warm + STEPS):
        if step == warm:
            start = time.perf_counter()
        part = order[step * BATCH : (step + 1) * BATCH]
        value = torch.nn.functional.cross_entropy(network(images[part]), labels[part])
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
    return STEPS * BATCH / (time.perf_counter() - start), weights, f"torch {torch.__version__}"


def images_a_second_of_program(program, data, threads):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--executor", "cpu", "--threads", str(threads), "--steps", str(STEPS), "--data", data]
        start = time.perf_counter()
        text = subprocess.run(command + ["--output", folder], check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
    found = re.findall(r"([0-9.]+)(k?) samples/s", text)
    number, thousand = found[-1] if found else (str(STEPS * BATCH / seconds), "")
    return float(number) * (1000 if thousand else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--peer", choices=("channels_last", "contiguous"), help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.peer:
        print(json.dumps(torch_images_a_second(o.data, o.threads, o.peer == "channels_last")))
        return
    cores = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[: o.threads])
    rates = {"tilery": [], "channels_last": [], "contiguous": []}
    for _ in range(o.repetitions):
        for who, seen in rates.items():
            if who == "tilery":
                seen.append(images_a_second_of_program(o.program, o.data, o.threads))
            else:
                command = ["taskset", "-c", cores, sys.executable, __file__, "--program", o.program, "--data", o.data]
                command += ["--threads", str(o.threads), "--peer", who]
                run = subprocess.run(command, capture_output=True, text=True, check=True)
                rate, weights, name = json.loads(run.stdout.splitlines()[-1])
                seen.append(rate)
                who = f"{name}, {who}, {weights} weights"
            print(f"{who}: {seen[-1]:.0f} images a second", flush=True)
    ours = statistics.median(rates["tilery"])
    peer = max(statistics.median(rates["channels_last"]), statistics.median(rates["contiguous"]))
    print(f"\n{o.threads} threads; medians: tilery {ours:.0f}, PyTorch {peer:.0f} images a second; ratio {ours / peer:.2f}")


if __name__ == "__main__":
    main()
