#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolution on the CPU (benchmarks/conv_cpu) beside PyTorch: float, the shapes of benchmarks/conv_shapes.txt.

The two run in turn, a round after another, on the same shapes, images and threads. PyTorch runs each line with
channels-last and with contiguous (channels-first) tensors; its time is that of the layout whose median is smaller. A
ratio is PyTorch's time divided by tilery's, the median over the rounds: above 1 tilery is faster. Usage:
  python3 benchmarks/peers/conv.py --program build/benchmarks/bin/conv_cpu --threads 1 2 --images 1 8
Needs torch from PyPI.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import tempfile
import time

DIRECTIONS = ("forward", "data_gradient", "weight_gradient")


def shapes_of(path):
    names = ("group", "name", "channels", "height", "width", "filters", "taps", "stride", "padding", "dilation", "groups")
    shapes = []
    with open(path) as file:
        for line in file:
            columns = line.split("#")[0].split()
            if columns:
                shapes.append({n: c if n in ("group", "name", "taps") else int(c) for n, c in zip(names, columns)})
    return shapes


def seconds_of_call(call, clock):
    """Seconds of a call, in a batch of 10 ms or more."""
    call()
    begin = clock()
    call()
    calls = max(1, math.ceil(0.012 / (clock() - begin)))
    begin = clock()
    for _ in range(calls):
        call()
    return (clock() - begin) / calls


def calls_of_torch(shape, images, direction):
    """PyTorch's call for each memory format."""
    import torch

    r, s = (int(t) for t in shape["taps"].split("x"))
    groups = shape["groups"]
    options = [[shape[n]] * 2 for n in ("stride", "padding", "dilation")]
    calls = {}
    for name, layout in (("channels_last", torch.channels_last), ("contiguous", torch.contiguous_format)):
        x = torch.rand(images, shape["channels"], shape["height"], shape["width"]).contiguous(memory_format=layout)
        w = torch.rand(shape["filters"], shape["channels"] // groups, r, s).contiguous(memory_format=layout)
        dy = torch.ones_like(torch.nn.functional.conv2d(x, w, None, *options, groups)).contiguous(memory_format=layout)
        if direction == "forward":
            calls[name] = lambda x=x, w=w: torch.nn.functional.conv2d(x, w, None, *options, groups)
        else:
            mask = [direction == "data_gradient", direction == "weight_gradient", False]
            calls[name] = lambda x=x, w=w, dy=dy: torch.ops.aten.convolution_backward(
                dy, x, w, None, *options, False, [0, 0], groups, mask
            )
    return calls


def seconds_of_program(program, options, shape, images, threads, direction):
    title = f"{shape['group']}/{shape['name']}/{direction}/images:{images}/threads:{threads}/"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.json")
        command = [program, *options, "--benchmark_filter=^" + re.escape(title)]
        command += ["--benchmark_out=" + path, "--benchmark_out_format=json"]
        subprocess.run(command, check=True, capture_output=True)
        with open(path) as file:
            return json.load(file)["benchmarks"][0]["us"] * 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--shapes", default=os.path.join(os.path.dirname(__file__), "..", "conv_shapes.txt"))
    parser.add_argument("--group", default="resnet50", help="the group of shapes to run")
    parser.add_argument("--name", default="", help="only shapes whose name begins so")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--images", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--directions", nargs="+", choices=DIRECTIONS, default=list(DIRECTIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="processor time instead of wall-clock time, for one thread on a machine on which others work",
    )
    o = parser.parse_args()
    clock = time.perf_counter
    options = ["--shapes", o.shapes]
    if o.processor_time:
        o.threads, clock = [1], time.process_time
        options.append("--processor-time")
    import torch

    shapes = [s for s in shapes_of(o.shapes) if s["group"] == o.group and s["name"].startswith(o.name)]
    print(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {o.rounds} rounds")
    print(f"{'direction':16} {'images':>6} {'threads':>7} {'shape':14} {'tilery':>9} {'PyTorch':>9}  ratio  layout")
    print(f"{'':54} {'GFLOP/s':>9} {'GFLOP/s':>9}")
    for direction in o.directions:
        for threads in o.threads:
            torch.set_num_threads(threads)
            for images in o.images:
                ratios = []
                for shape in shapes:
                    calls = calls_of_torch(shape, images, direction)
                    ours, theirs = [], {name: [] for name in calls}
                    for _ in range(o.rounds):
                        for name, call in calls.items():
                            theirs[name].append(seconds_of_call(call, clock))
                        time.sleep(0.06)  # until idle threads of PyTorch sleep
                        ours.append(seconds_of_program(o.program, options, shape, images, threads, direction))
                    best = min(theirs, key=lambda name: statistics.median(theirs[name]))
                    ratio = statistics.median(t / us for t, us in zip(theirs[best], ours))
                    ratios.append(ratio)
                    r, s = (int(t) for t in shape["taps"].split("x"))
                    p = (shape["height"] + 2 * shape["padding"] - shape["dilation"] * (r - 1) - 1) // shape["stride"] + 1
                    q = (shape["width"] + 2 * shape["padding"] - shape["dilation"] * (s - 1) - 1) // shape["stride"] + 1
                    flops = 2e-9 * images * p * q * shape["filters"] * r * s * shape["channels"] / shape["groups"]
                    print(
                        f"{direction:16} {images:6} {threads:7} {shape['name']:14} {flops / statistics.median(ours):9.1f}"
                        f" {flops / statistics.median(theirs[best]):9.1f} {ratio:6.2f}  {best}",
                        flush=True,
                    )
                mean = math.exp(sum(math.log(r) for r in ratios) / len(ratios))
                print(f"{direction:16} {images:6} {threads:7} geometric mean of {len(ratios)}: {mean:.2f}\n", flush=True)


if __name__ == "__main__":
    main()
