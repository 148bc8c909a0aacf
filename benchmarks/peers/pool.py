#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The f32 cases of benchmarks/pool.cpp beside the same operations in PyTorch on the CPU.

Runs of the program and of PyTorch alternate; each is a process of its own. PyTorch runs on channels-last and on
channels-first tensors, and the faster of the two counts. Both sides write to tensors that exist, and take the next of
several sets of tensors in each call, so that the data is cold. A run's time is the median of its calls; of several
runs the fastest counts, because other work on the machine only adds time. PyTorch's indices have 64 bits, tilery's 32.
Usage:
  python3 benchmarks/peers/pool.py --program build/benchmarks/bin/pool --threads 1
Needs torch from PyPI.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

BEYOND_CACHES = 120 << 20

# name of the case in pool.cpp: n, c, h, w, p, q
SHAPES = {
    "resnet_stem": (8, 64, 112, 112, 56, 56),
    "vgg": (8, 128, 56, 56, 28, 28),
    "inception": (8, 192, 28, 28, 28, 28),
    "densenet": (8, 128, 56, 56, 28, 28),
    "resnet_head": (32, 2048, 7, 7, 1, 1),
    "twice": (8, 64, 56, 56, 112, 112),
    "deeplab": (4, 256, 33, 33, 129, 129),
    "zero": (8, 64, 56, 56, 58, 58),
    "reflect": (8, 64, 56, 56, 62, 62),
    "replicate": (8, 64, 56, 56, 62, 62),
}
WINDOWS = {
    "resnet_stem": ([3, 3], [2, 2], [1, 1]),
    "vgg": ([2, 2], [2, 2], [0, 0]),
    "densenet": ([2, 2], [2, 2], [0, 0]),
    "inception": ([3, 3], [1, 1], [1, 1]),
}
PADDINGS = {"zero": 1, "reflect": 3, "replicate": 3}


def call_of(op, case, x, y, indices):
    """A function of no arguments that runs the case on these tensors: dx is x, dy is y."""
    import torch

    a = torch.ops.aten
    if op.startswith("max_pool") or op.startswith("average_pool"):
        k, s, p = WINDOWS[case]
    if op == "max_pool":
        return lambda: a.max_pool2d_with_indices.out(x, k, s, p, [1, 1], False, out=y, indices=indices)
    if op == "max_pool_gradient":
        a.max_pool2d_with_indices.out(x, k, s, p, [1, 1], False, out=y, indices=indices)
        dx = torch.empty_like(x)
        return lambda: a.max_pool2d_with_indices_backward.grad_input(
            y, x, k, s, p, [1, 1], False, indices, grad_input=dx
        )
    if op == "average_pool":
        return lambda: a.avg_pool2d.out(x, k, s, p, False, True, None, out=y)
    if op == "average_pool_gradient":
        dx = torch.empty_like(x)
        return lambda: a.avg_pool2d_backward.grad_input(y, x, k, s, p, False, True, None, grad_input=dx)
    if op == "global_average_pool":
        return lambda: a.mean.out(x, [2, 3], True, out=y)
    if op == "global_average_pool_gradient":
        dx, pixels = torch.empty_like(x), x.shape[2] * x.shape[3]
        return lambda: torch.div(y.expand_as(x), pixels, out=dx)
    if op == "global_max_pool":
        return lambda: torch.amax(x, (2, 3), True, out=y)
    if op == "upsample_nearest":
        return lambda: a.upsample_nearest2d.out(x, list(y.shape[2:]), out=y)
    if op == "upsample_nearest_gradient":
        dx = torch.empty_like(x)
        return lambda: a.upsample_nearest2d_backward.grad_input(y, list(y.shape[2:]), list(x.shape), grad_input=dx)
    if op == "upsample_linear":
        return lambda: a.upsample_bilinear2d.out(x, list(y.shape[2:]), False, out=y)
    if op == "upsample_linear_gradient":
        dx = torch.empty_like(x)
        return lambda: a.upsample_bilinear2d_backward.grad_input(
            y, list(y.shape[2:]), list(x.shape), False, grad_input=dx
        )
    around = [PADDINGS[case]] * 4
    if op == "pad":
        if case == "zero":
            return lambda: a.constant_pad_nd.out(x, around, 0, out=y)
        out = a.reflection_pad2d.out if case == "reflect" else a.replication_pad2d.out
        return lambda: out(x, around, out=y)
    dx = torch.empty_like(x)
    if case == "zero":
        return lambda: dx.copy_(y[:, :, around[0] : -around[0], around[0] : -around[0]])
    out = a.reflection_pad2d_backward if case == "reflect" else a.replication_pad2d_backward
    return lambda: out.grad_input(y, x, around, grad_input=dx)


def run_torch(names, threads):
    """The median microseconds of each case, the faster of the two layouts."""
    import torch

    torch.set_num_threads(threads)
    result = {}
    for name in names:
        op, _, case = name.split("/")
        n, c, h, w, p, q = SHAPES[case]
        sets = max(2, math.ceil(BEYOND_CACHES / (4 * n * c * (h * w + p * q))))
        times = {}
        for layout in (torch.channels_last, torch.contiguous_format):
            calls = []
            for _ in range(sets):
                x, y = (torch.rand(n, c, *e).contiguous(memory_format=layout) for e in ((h, w), (p, q)))
                indices = torch.zeros(n, c, p, q, dtype=torch.int64).contiguous(memory_format=layout)
                calls.append(call_of(op, case, x, y, indices))
            for call in calls:
                call()
            seconds, i, begin = [], 0, time.perf_counter()
            while len(seconds) < 7 or time.perf_counter() - begin < 0.3:
                start = time.perf_counter()
                calls[i % sets]()
                seconds.append(time.perf_counter() - start)
                i += 1
            times[str(layout).split(".")[-1]] = statistics.median(seconds) * 1e6
        best = min(times, key=times.get)
        result[name] = (times[best], best)
    return result, f"torch {torch.__version__}"


def run_program(program, threads):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pool.json")
        command = [program, f"--benchmark_filter=/f32/.*threads:{threads}/", "--benchmark_min_time=0.3"]
        command += [f"--benchmark_out={path}", "--benchmark_out_format=json"]
        subprocess.run(command, check=True, capture_output=True)
        with open(path) as file:
            rows = json.load(file)["benchmarks"]
    return {row["name"].split("/threads")[0]: row["us"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--names", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.names:
        print(json.dumps(run_torch(o.names.split(","), o.threads)))
        return

    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[: o.threads])
    ours, theirs, version = {}, {}, ""
    for _ in range(o.repetitions):
        for name, microseconds in run_program(o.program, o.threads).items():
            ours.setdefault(name, []).append(microseconds)
        command = ["taskset", "-c", cores, sys.executable, __file__, "--program", o.program]
        command += ["--threads", str(o.threads), "--names", ",".join(ours)]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows, version = json.loads(run.stdout.splitlines()[-1])
        for name, row in rows.items():
            theirs.setdefault(name, []).append(tuple(row))
    print(f"{'case':44s} {'tilery':>10s} {version:>18s}   ratio (above 1: tilery is faster)")
    ratios = []
    for name in ours:
        mine = min(ours[name])
        peer, layout = min(theirs[name])
        ratios.append(peer / mine)
        print(f"{name:44s} {mine:7.0f} us {peer:15.0f} us   {peer / mine:5.2f}  {layout}")
    print(f"geometric mean of {len(ratios)}: {math.exp(statistics.mean(math.log(r) for r in ratios)):.2f}")


if __name__ == "__main__":
    main()
