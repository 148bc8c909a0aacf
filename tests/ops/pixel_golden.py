#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes what PyTorch computes for pooling, upsampling and padding to headers beside this file, for the tests.

Usage: python3 tests/ops/pixel_golden.py   (needs torch from PyPI, and clang-format)
All inputs are whole numbers. Gradients of means are whole numbers, too: each dy is a multiple of 36. There is no NaN,
no -0, and no infinity.
"""
import os
import subprocess

import torch
import torch.nn.functional as F

FOLDER = os.path.dirname(os.path.abspath(__file__))
OPENING = """// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What PyTorch {version} computes, written by pixel_golden.py. Values are in the order (n, h, w, c).
#pragma once

#include <tilery/core/spatial.hpp>

#include <vector>

"""


def whole_numbers(shape, factor=1, salt=0):
    """Numbers from -8 to 8 that look drawn, with ties."""
    count = 1
    for extent in shape:
        count *= extent
    numbers = [((i + salt) * 7919 + (i + salt) ** 2 * 31) % 17 - 8 for i in range(count)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape) * factor


def channels_last(tensor):
    return tensor.permute(0, 2, 3, 1).contiguous().flatten().tolist()


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value + '"'
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(text(v) for v in value) + "}"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return repr(value)


def write(name, struct, array, rows):
    path = os.path.join(FOLDER, name)
    with open(path, "w") as file:
        file.write(OPENING.format(version=torch.__version__.split("+")[0]) + "namespace tilery_tests {\n\n" + struct)
        file.write(f"\ninline const {array}[] = {{\n" + ",\n".join(text(row) for row in rows) + "};\n\n")
        file.write("}  // namespace tilery_tests\n")
    subprocess.run(["clang-format", "-i", path], check=True)


def run(forward, x_shape, dy_factor):
    """x, y, dy and dx of a function of one tensor, and its indices, if it returns some."""
    x = whole_numbers(x_shape).requires_grad_()
    result = forward(x)
    y, indices = result if isinstance(result, tuple) else (result, torch.zeros(0, 0, 0, 0))
    dy = whole_numbers(y.shape, dy_factor, 5)
    y.backward(dy)
    values = [channels_last(t) for t in (x.detach(), y.detach(), dy, x.grad)]
    return list(y.shape), values, channels_last(indices.double())


def pools():
    rows = []
    shape = (1, 2, 6, 7)
    cases = [  # window, stride, padding, dilation, ceil_mode, count_include_pad
        ((2, 2), (2, 2), (0, 0), (1, 1), False, True),
        ((3, 3), (2, 2), (1, 1), (1, 1), False, True),
        ((3, 3), (2, 2), (1, 1), (1, 1), True, True),
        ((3, 3), (2, 2), (1, 1), (1, 1), True, False),
        ((3, 2), (1, 3), (1, 0), (1, 1), True, True),
        ((2, 3), (3, 1), (0, 1), (1, 1), False, False),
        ((2, 3), (1, 2), (1, 1), (2, 2), False, True),
        ((3, 2), (2, 1), (1, 1), (2, 3), True, True),
        ((2, 2), (5, 4), (1, 1), (1, 1), True, True),
        ((6, 7), (1, 1), (0, 0), (1, 1), False, True),
    ]
    for is_max in (True, False):
        for window, stride, padding, dilation, ceil_mode, count in cases:
            if is_max:
                if not count:
                    continue
                forward = lambda x: F.max_pool2d(x, window, stride, padding, dilation, ceil_mode, True)
            else:
                if dilation != (1, 1):
                    continue
                forward = lambda x: F.avg_pool2d(x, window, stride, padding, ceil_mode, count)
            y, values, indices = run(forward, shape, 1 if is_max else (42 if window == (6, 7) else 36))
            name = f"{'max' if is_max else 'average'} {window} by {stride}, padding {padding}, dilation {dilation}"
            rows.append([name, is_max, [shape[0], shape[2], shape[3], shape[1]], y[2:], window, stride, padding,
                         dilation, ceil_mode, count, values[0], values[1], indices, values[2], values[3]])
    struct = """struct golden_pool {
  const char* name;
  bool is_max;
  int x[4], y[2];  // n, h, w, c; h, w
  tilery::spatial<2> window, stride, padding, dilation;
  bool ceil_mode, count_include_pad;
  std::vector<double> x_values, y_values, indices, dy_values, dx_values;
};
"""
    write("pool_golden.hpp", struct, "golden_pool golden_pools", rows)


def resamplings():
    rows = []
    for x, y in (((4, 3), (8, 6)), ((4, 6), (6, 4)), ((5, 7), (3, 2)), ((1, 1), (3, 4)), ((4, 5), (1, 1)),
                 ((3, 4), (7, 13))):
        for mode, corners in (("nearest", None), ("bilinear", False), ("bilinear", True)):
            forward = lambda t: F.interpolate(t, size=y, mode=mode, align_corners=corners)
            _, values, _ = run(forward, (1, 2, *x), 1)
            rows.append([mode == "nearest", bool(corners), [*x, 2], list(y), *values])
    struct = """struct golden_resampling {
  bool is_nearest, align_corners;
  int x[3], y[2];  // h, w, c; h, w
  std::vector<double> x_values, y_values, dy_values, dx_values;
};
"""
    write("resampling_golden.hpp", struct, "golden_resampling golden_resamplings", rows)


def paddings():
    rows = []
    modes = ("constant", "reflect", "replicate")
    for shape, before, after in (((4, 5), (3, 4), (3, 1)), ((3, 2), (1, 0), (2, 1)), ((5, 5), (0, 2), (4, 0))):
        for mode in modes:
            forward = lambda t: F.pad(t, (before[1], after[1], before[0], after[0]), mode=mode)
            y, values, _ = run(forward, (1, 2, *shape), 1)
            rows.append([modes.index(mode), [*shape, 2], y[2:], before, after, *values])
    struct = """struct golden_padding {
  int mode;        // 0: zero, 1: reflect, 2: replicate
  int x[3], y[2];  // h, w, c; h, w
  tilery::spatial<2> before, after;
  std::vector<double> x_values, y_values, dy_values, dx_values;
};
"""
    write("padding_golden.hpp", struct, "golden_padding golden_paddings", rows)


if __name__ == "__main__":
    pools()
    resamplings()
    paddings()
