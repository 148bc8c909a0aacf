#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the four IDX files of this folder from the copy of the UCI digits that scikit-learn ships.

The images keep the order of scikit-learn's file: the first 1437 train, the last 360 test.
Pixels 0..16 become 0..255, rounded to the nearest. The gzip header carries no time and no
name, so the same zlib gives the same bytes.

    python3 -m pip install scikit-learn
    python3 convert.py            # writes the files beside this script
    python3 convert.py --check    # only compares: exits with 1 when a file's unpacked content differs
"""

import argparse
import gzip
import io
import pathlib
import struct
import sys

from sklearn.datasets import load_digits

IMAGES, SIDE, DARKEST, TRAIN = 1797, 8, 16, 1437


def idx_bytes(array):
    """The IDX file of an array of unsigned bytes: magic, big-endian dimensions, values in row-major order."""
    header = struct.pack(">BBBB", 0, 0, 0x08, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.astype("uint8").tobytes()


def gzip_bytes(content):
    """`content` packed by gzip, with nothing in the header that depends on when or where."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(content)
    return packed.getvalue()


def digits_files():
    """Maps each file's name to its unpacked content."""
    digits = load_digits()
    grey, labels = digits.images.astype(int), digits.target.astype(int)
    if grey.shape != (IMAGES, SIDE, SIDE) or labels.shape != (IMAGES,):
        sys.exit(f"scikit-learn's digits have the shape {grey.shape}, but must have {(IMAGES, SIDE, SIDE)}.")
    if (grey != digits.images).any() or grey.min() != 0 or grey.max() != DARKEST:
        sys.exit(f"The pixels must be whole numbers from 0 to {DARKEST}.")
    if set(labels) != set(range(10)):
        sys.exit(f"The labels must be the digits 0 to 9, but are {sorted(set(labels))}.")
    pixels = (grey * 255 + DARKEST // 2) // DARKEST
    return {
        "train-images-idx3-ubyte.gz": idx_bytes(pixels[:TRAIN]),
        "train-labels-idx1-ubyte.gz": idx_bytes(labels[:TRAIN]),
        "t10k-images-idx3-ubyte.gz": idx_bytes(pixels[TRAIN:]),
        "t10k-labels-idx1-ubyte.gz": idx_bytes(labels[TRAIN:]),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="compare with the files here and write nothing")
    check = arguments.parse_args().check
    folder = pathlib.Path(__file__).resolve().parent
    different = []
    for name, content in digits_files().items():
        if not check:
            (folder / name).write_bytes(gzip_bytes(content))
        elif gzip.decompress((folder / name).read_bytes()) != content:
            different.append(name)
    if different:
        sys.exit(f"These files differ from scikit-learn's digits: {', '.join(different)}.")


if __name__ == "__main__":
    main()
