#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An epoch of examples/train_mlp beside the same network, batch and threads in JAX and PyTorch on the CPU.

Each run is a process of its own; the runs of the programs alternate. Usage:
  python3 benchmarks/peers/train_mlp.py --program build/quickstart/bin/train_mlp --threads 2
Needs numpy, jax and torch from PyPI, and Fashion-MNIST (Debian: dataset-fashion-mnist). A peer that cannot be
imported is left out, with the reason. The time of an epoch contains shuffling, gathering the batches, and all steps; the
first epoch (compilation, first touch) does not count.
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

EPOCHS = 4
BATCH = 128
WIDTHS = (784, 256, 128, 10)


def load_images(folder):
    import numpy as np

    def idx(name, header):
        with gzip.open(os.path.join(folder, name)) as file:
            return np.frombuffer(file.read(), np.uint8)[header:]

    images = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32)
    images = (images - images.mean()) / images.std()
    return images, idx("train-labels-idx1-ubyte.gz", 8).astype(np.int32)


def initial_weights(rng):
    import numpy as np

    return [
        ((rng.random((i, o), np.float32) * 2 - 1) * (6 / i) ** 0.5, np.zeros(o, np.float32))
        for i, o in zip(WIDTHS, WIDTHS[1:])
    ]


def train_jax(folder, threads):
    import numpy as np
    import jax
    import jax.numpy as jnp

    images, labels = load_images(folder)
    rng = np.random.default_rng(1)
    weights = jax.tree.map(jnp.asarray, initial_weights(rng))
    zeros = jax.tree.map(jnp.zeros_like, weights)

    def loss(weights, x, y):
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w + b)
        logits = x @ weights[-1][0] + weights[-1][1]
        return jnp.mean(jax.nn.logsumexp(logits, axis=1) - logits[jnp.arange(len(y)), y])

    @jax.jit
    def step(weights, first, second, t, x, y):
        value, g = jax.value_and_grad(loss)(weights, x, y)
        first = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, first, g)
        second = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, second, g)
        c1, c2 = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        weights = jax.tree.map(
            lambda w, m, v: w - 1e-3 * (m * c1) / (jnp.sqrt(v * c2) + 1e-8), weights, first, second
        )
        return weights, first, second, value

    first, second, t, seconds = zeros, zeros, 0, []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        order = rng.permutation(len(images))
        for i in range(0, len(images), BATCH):
            t += 1
            part = order[i : i + BATCH]
            weights, first, second, value = step(weights, first, second, float(t), images[part], labels[part])
        value.block_until_ready()
        seconds.append(time.perf_counter() - start)
    return seconds, float(value), f"jax {jax.__version__}"


def train_torch(folder, threads):
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    images, labels = load_images(folder)
    rng = np.random.default_rng(1)
    layers = []
    for w, b in initial_weights(rng):
        layer = torch.nn.Linear(*w.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w.T.copy()))
            layer.bias.zero_()
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    images, labels = torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))
    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        order = torch.randperm(len(images))
        for i in range(0, len(images), BATCH):
            part = order[i : i + BATCH]
            value = torch.nn.functional.cross_entropy(network(images[part]), labels[part])
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds, value.item(), f"torch {torch.__version__}"


def epoch_seconds_of_program(program, threads):
    """Seconds an epoch: the whole run's from its curve, which also contains the tests after each epoch."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--executor", "cpu", "--threads", str(threads), "--epochs", str(EPOCHS), "--output", folder]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with open(os.path.join(folder, "curve.csv")) as file:
            rows = [line.strip().split(",") for line in file][1:]
    ends = [float(row[4]) for row in rows if row[3]]
    loss = float(re.search(r".*loss ([0-9.]+)", text, re.S).group(1))
    return [b - a for a, b in zip([0.0] + ends, ends)], loss, "tilery train_mlp"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--peer", choices=("jax", "torch"), help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.peer:
        print(json.dumps((train_jax if o.peer == "jax" else train_torch)(o.data, o.threads)))
        return

    # the same cores for everybody: XLA takes as many threads as it may run on
    cores = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[: o.threads])
    results, names = {"tilery": [], "jax": [], "torch": []}, {}
    for _ in range(o.repetitions):
        for who in list(results):
            if who == "tilery":
                seconds, loss, names[who] = epoch_seconds_of_program(o.program, o.threads)
            else:
                environment = dict(os.environ, OMP_NUM_THREADS=str(o.threads))
                for spoiling in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
                    environment.pop(spoiling, None)
                command = ["taskset", "-c", cores, sys.executable, __file__, "--program", o.program, "--data", o.data]
                command += ["--threads", str(o.threads), "--peer", who]
                run = subprocess.run(command, capture_output=True, text=True, env=environment)
                if run.returncode:
                    print(f"{who} is left out: {run.stderr.strip().splitlines()[-1]}")
                    del results[who]
                    continue
                seconds, loss, names[who] = json.loads(run.stdout.splitlines()[-1])
            results[who] += seconds[1:]
            print(f"{names[who]}: " + " ".join(f"{s:.2f}" for s in seconds) + f" s an epoch, last loss {loss:.3f}", flush=True)
    ours = statistics.median(results["tilery"])
    print(f"\nepoch of {WIDTHS}, batch {BATCH}, {o.threads} threads; medians; tilery's contain the test after each epoch")
    for who, seconds in results.items():
        print(f"  {names[who]:24s} {statistics.median(seconds):6.2f} s   {statistics.median(seconds) / ours:5.2f} x tilery's")


if __name__ == "__main__":
    main()
