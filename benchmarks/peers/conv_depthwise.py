#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Depthwise convolutions on the CPU (benchmarks/conv_depthwise) beside PyTorch: float, the program's own shapes.

The two run in turn, a round after another, on the same shapes, inputs cold and one output buffer. PyTorch runs each
line with channels-last and with contiguous (channels-first) tensors; its time is that of the faster layout. A ratio is
PyTorch's time divided by tilery's, the median over the rounds: above 1 tilery is faster. Usage:
  python3 benchmarks/peers/conv_depthwise.py --program build/benchmarks/bin/conv_depthwise --threads 1 2
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

DIRECTIONS = ("forward", "data_gradient", "weight_gradient")
COLD_BYTES = 120 << 20


def times_of_program(program, threads, seconds):
    """Microseconds by (shape, direction); a shape is (n, c, h, w, taps, stride)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [program, f"--benchmark_filter=<float>.*threads:{threads}/", f"--benchmark_min_time={seconds}"]
        command += [f"--benchmark_out={file.name}", "--benchmark_out_format=json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        runs = json.load(open(file.name))["benchmarks"]
    times = {}
    for run in runs:
        parts = run["name"].split("/")
        numbers = dict(part.split(":") for part in parts[1:] if ":" in part)
        shape = tuple(int(numbers[name]) for name in ("n", "c", "h", "w", "taps", "stride"))
        times[shape, parts[0].split("<")[0]] = run["us"]
    return times


def times_of_torch(shapes, threads, seconds):
    import torch

    torch.set_num_threads(threads)

    def median_us(call, sets):
        call(0), call(1 % sets)
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < seconds or len(times) < 5:
            begin = time.perf_counter()
            call(len(times) % sets)
            times.append(time.perf_counter() - begin)
        return statistics.median(times) * 1e6

    result = []
    for n, c, h, w, taps, stride in shapes:
        best = [math.inf] * 3
        rank = 1 if h == 1 else 2
        padding = [taps - 1] if rank == 1 else [taps // 2] * 2
        op = torch.nn.functional.conv1d if rank == 1 else torch.nn.functional.conv2d
        for layout in (torch.channels_last, torch.contiguous_format):
            images = torch.randn([n, c, w] if rank == 1 else [n, c, h, w])
            filters = torch.randn([c, 1] + [taps] * rank)
            if rank == 2:
                images, filters = images.contiguous(memory_format=layout), filters.contiguous(memory_format=layout)
            gradient = torch.randn_like(op(images, filters, stride=stride, padding=padding, groups=c))
            sets = max(2, -(-COLD_BYTES // (4 * (images.numel() + gradient.numel()))))
            xs = [images.clone() for _ in range(sets)]
            dys = [gradient.clone() for _ in range(sets)]

            def backward(mask):
                return lambda i: torch.ops.aten.convolution_backward(
                    dys[i], xs[i], filters, None, [stride] * rank, padding, [1] * rank, False, [0] * rank, c, mask
                )

            with torch.no_grad():
                calls = (
                    lambda i: op(xs[i], filters, stride=stride, padding=padding, groups=c),
                    backward([True, False, False]),
                    backward([False, True, False]),
                )
                best = [min(b, median_us(call, sets)) for b, call in zip(best, calls)]
        result.append(best)
    return result, torch.__version__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each line and round")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.peer:
        print(json.dumps(times_of_torch(json.loads(o.peer), o.threads[0], o.seconds)))
        return

    for threads in o.threads:
        cores = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[:threads])
        ratios, ours = {}, {}
        for _ in range(o.rounds):
            times = times_of_program(o.program, threads, o.seconds)
            shapes = sorted({shape for shape, _ in times})
            command = ["taskset", "-c", cores, sys.executable, __file__, "--program", o.program, "--threads"]
            command += [str(threads), "--seconds", str(o.seconds), "--peer", json.dumps(shapes)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            peer, version = json.loads(run.stdout.splitlines()[-1])
            for shape, best in zip(shapes, peer):
                for direction, time_of_peer in zip(DIRECTIONS, best):
                    ratios.setdefault((shape, direction), []).append(time_of_peer / times[shape, direction])
                    ours.setdefault((shape, direction), []).append(times[shape, direction])
        print(f"\ntorch {version} by tilery, {threads} threads, {o.rounds} rounds (above 1: tilery is faster)")
        groups = {}
        for (shape, direction), values in sorted(ratios.items()):
            ratio = statistics.median(values)
            n, c, h, w, taps, stride = shape
            print(
                f"  n {n:3d} c {c:4d} {h:4d} x {w:4d} taps {taps} stride {stride} {direction:16s}"
                f"{statistics.median(ours[shape, direction]):10.1f} us {ratio:7.2f}"
            )
            groups.setdefault((f"{1 if h == 1 else 2}-D taps {taps} stride {stride}", direction), []).append(ratio)
        for (name, direction), values in sorted(groups.items()):
            mean = math.exp(sum(map(math.log, values)) / len(values))
            print(f"  {name:24s} {direction:16s} {mean:7.2f} ({min(values):.2f} to {max(values):.2f}), {len(values)} lines")


if __name__ == "__main__":
    main()
