#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/golden/conv.txt: convolutions and their gradients as PyTorch computes them, in whole numbers.

  python3 -m venv venv && venv/bin/pip install torch
  venv/bin/python tests/golden/make_conv.py > tests/golden/conv.txt

A case is a line with the problem (as conv_case::text of tests/conv_reference.hpp writes it), then the tensors x, w,
dy, y, dx and dw: x, dx in the order (image, spatial..., channel), w, dw in (filter, taps..., channel), y, dy in (image,
spatial..., filter). The numbers are drawn with a fixed seed; sums in double are exact. Where padding is the same before
and after, the script also compares dx with PyTorch's transposed convolution.
"""
import torch
import torch.nn.functional as F

# rank, images, channels, filters, groups, in, taps, stride, before, after, dilation
CASES = [
    (2, 2, 3, 4, 1, (5, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (2, 1, 4, 6, 2, (7, 6), (3, 2), (2, 2), (1, 0), (1, 0), (1, 1)),
    (2, 1, 8, 8, 8, (6, 5), (3, 3), (2, 1), (1, 1), (1, 1), (1, 1)),
    (2, 1, 2, 3, 1, (9, 8), (3, 2), (2, 4), (2, 1), (2, 1), (2, 2)),
    (2, 2, 8, 8, 1, (4, 4), (1, 1), (2, 2), (0, 0), (0, 0), (1, 1)),
    (2, 1, 3, 8, 1, (9, 9), (7, 7), (2, 2), (3, 3), (3, 3), (1, 1)),
    (2, 1, 2, 2, 1, (4, 3), (2, 4), (1, 3), (0, 3), (3, 1), (3, 1)),
    (2, 1, 16, 8, 1, (3, 3), (3, 3), (1, 1), (2, 2), (2, 2), (1, 1)),
    (1, 2, 3, 5, 1, (17,), (10,), (5,), (0,), (0,), (1,)),
    (1, 1, 6, 6, 6, (12,), (4,), (1,), (3,), (0,), (1,)),
    (1, 1, 2, 4, 2, (1,), (1,), (3,), (3,), (3,), (4,)),
    (3, 1, 2, 3, 1, (3, 4, 5), (2, 3, 3), (1, 2, 2), (0, 1, 1), (0, 1, 1), (1, 1, 1)),
    (3, 1, 4, 4, 2, (4, 3, 3), (3, 2, 1), (3, 1, 2), (2, 0, 1), (1, 1, 0), (2, 1, 1)),
]

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def draw(generator, *shape):
    return torch.randint(-3, 4, shape, generator=generator).double()


def channels_last(tensor):
    return tensor.movedim(1, -1).reshape(-1).tolist()


def in_three(numbers, missing):
    return ",".join(str(n) for n in (missing,) * (3 - len(numbers)) + tuple(numbers))


def write(name, numbers):
    assert all(n == int(n) for n in numbers)
    line = name
    for number in numbers:
        word = f" {int(number)}"
        if len(line) + len(word) > 120:
            print(line)
            line = ""
        line += word
    print(line)


def main():
    generator = torch.Generator().manual_seed(16)
    print(f"# made by tests/golden/make_conv.py with PyTorch {torch.__version__}")
    for rank, images, channels, filters, groups, size, taps, stride, before, after, dilation in CASES:
        x = draw(generator, images, channels, *size).requires_grad_()
        w = draw(generator, filters, channels // groups, *taps).requires_grad_()
        border = [n for d in reversed(range(rank)) for n in (before[d], after[d])]
        y = CONV[rank](F.pad(x, border), w, stride=stride, dilation=dilation, groups=groups)
        dy = draw(generator, *y.shape)
        y.backward(dy)
        if before == after:
            smallest = [(p - 1) * s - 2 * b + d * (t - 1) + 1
                        for p, s, b, d, t in zip(y.shape[2:], stride, before, dilation, taps)]
            more = [n - m for n, m in zip(size, smallest)]
            again = TRANSPOSED[rank](dy, w.detach(), stride=stride, padding=before, output_padding=more, groups=groups,
                                     dilation=dilation)
            assert torch.equal(again, x.grad)
        print(f"conv{rank}d n {images} c {channels} k {filters} groups {groups} in {in_three(size, 1)} "
              f"taps {in_three(taps, 1)} stride {in_three(stride, 1)} before {in_three(before, 0)} "
              f"after {in_three(after, 0)} dilation {in_three(dilation, 1)}")
        for name, tensor in (("x", x), ("w", w), ("dy", dy), ("y", y), ("dx", x.grad), ("dw", w.grad)):
            write(name, channels_last(tensor.detach()))


if __name__ == "__main__":
    main()
