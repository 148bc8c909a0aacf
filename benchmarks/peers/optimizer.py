#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Optimizers on the CPU (benchmarks/optimizer) beside PyTorch's: the tensors of GPT-2 124M, and 1,000 small ones.

The two run in turn, a round after another. PyTorch's time is that of the faster of its fused and foreach forms. A ratio
is PyTorch's time divided by tilery's, the median over the rounds: above 1 tilery is faster. PyTorch has no optimizer
with bf16 weights and float master weights: its time is that of AdamW on float masters, of the copy of bf16 gradients to
float and of the copy of the masters to bf16 weights. Usage:
  python3 benchmarks/peers/optimizer.py --program build/benchmarks/bin/optimizer --threads 1 2
Needs torch from PyPI.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

NETWORKS = ("GPT-2 124M, 148 tensors", "1,000 tensors of 1,000 elements")
LINES = ("adamw_f32", "sgd_momentum_f32", "adamw_bf16_masters")


def times_of_program(program, threads, seconds):
    """Microseconds by (line, network), and the plain loop's time by tilery's."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [program, f"--benchmark_filter=threads:{threads}/", f"--benchmark_min_time={seconds}"]
        command += [f"--benchmark_out={file.name}", "--benchmark_out_format=json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        runs = json.load(open(file.name))["benchmarks"]
    times = {}
    for run in runs:
        parts = run["name"].split("/")
        network = int(dict(part.split(":") for part in parts[1:] if ":" in part)["network"])
        times[parts[0], network] = (run["us"], run.get("loop/ours"))
    return times


def shapes_of(network):
    if network == 1:
        return [[1000]] * 1000
    c = 768
    block = [[c], [c], [c, 3 * c], [3 * c], [c, c], [c], [c], [c], [c, 4 * c], [4 * c], [4 * c, c], [c]]
    return [[50257, c], [1024, c]] + block * 12 + [[c], [c]]


def times_of_torch(threads, seconds):
    import torch

    torch.set_num_threads(threads)

    def median_us(call):
        call()
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < seconds or len(times) < 3:
            begin = time.perf_counter()
            call()
            times.append(time.perf_counter() - begin)
        return statistics.median(times) * 1e6

    result = {}
    for network in range(len(NETWORKS)):
        for line in LINES:
            best = float("inf")
            for form in ("fused", "foreach"):
                masters = [torch.nn.Parameter(torch.rand(shape)) for shape in shapes_of(network)]
                for p in masters:
                    p.grad = torch.rand_like(p)
                if line == "sgd_momentum_f32":
                    optimizer = torch.optim.SGD(masters, lr=1e-6, momentum=0.9, **{form: True})
                else:
                    optimizer = torch.optim.AdamW(masters, **{form: True})
                call = optimizer.step
                if line == "adamw_bf16_masters":
                    weights = [p.detach().bfloat16() for p in masters]
                    narrow = [p.grad.bfloat16() for p in masters]
                    grads, values = [p.grad for p in masters], [p.data for p in masters]

                    def call():
                        torch._foreach_copy_(grads, narrow)
                        optimizer.step()
                        torch._foreach_copy_(weights, values)

                best = min(best, median_us(call))
            result[f"{line} {network}"] = best
    return result, torch.__version__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="for each line and round")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.peer:
        print(json.dumps(times_of_torch(o.threads[0], o.seconds)))
        return

    for threads in o.threads:
        cores = ",".join(str(c) for c in sorted(os.sched_getaffinity(0))[:threads])
        ratios, loops, ours = {}, {}, {}
        for _ in range(o.rounds):
            times = times_of_program(o.program, threads, o.seconds)
            command = ["taskset", "-c", cores, sys.executable, __file__, "--program", o.program, "--peer"]
            command += ["--threads", str(threads), "--seconds", str(o.seconds)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            peer, version = json.loads(run.stdout.splitlines()[-1])
            for (line, network), (us, loop) in times.items():
                if f"{line} {network}" in peer:
                    ratios.setdefault((network, line), []).append(peer[f"{line} {network}"] / us)
                if loop:
                    loops.setdefault((network, line), []).append(loop)
                ours.setdefault((network, line), []).append(us)
        print(f"\ntorch {version} by tilery, {threads} threads, {o.rounds} rounds (above 1: tilery is faster)")
        for (network, line), values in sorted(ours.items()):
            def median(of):
                return f"{statistics.median(of[network, line]):6.2f}" if (network, line) in of else "     -"

            print(
                f"  {NETWORKS[network]:34s} {line:22s} {statistics.median(values):10.0f} us  torch/ours"
                f" {median(ratios)}  loop/ours {median(loops)}"
            )


if __name__ == "__main__":
    main()
