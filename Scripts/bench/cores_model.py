#!/usr/bin/env python3
"""What more cores would bring, on paper: how the pieces of each layer fall on them.

    cores_model.py [--gflops 118] [--handover 6] [--bandwidth 100]

Cuts the products, attention and norms of a vision transformer as CLIPCompute does (Linear.swift, Attention.swift, LayerNorm.swift), gives
each piece to the core that is free first, and adds for each parallel pass the time of handing over and waiting. Nothing else is serial within
one call. A pass takes no less time than reading its weights through the memory's bandwidth, which all cores share.

The figures of one core are `clip bench`'s, `--handover` is chosen so that two cores come out as they were measured, and
`--bandwidth` is the machine's. What it leaves out: cores that slow down when all of them are at work, memory of another socket.
"""

import argparse
import heapq

# width, layers, heads, tokens, inputs of a patch, patches
MODELS = {"B/32": (768, 12, 12, 50, 3072, 49), "B/16": (768, 12, 12, 197, 768, 196), "L/14": (1024, 24, 16, 257, 588, 256)}
# of float32's rate, bytes of a weight, least work of a piece
TYPES = {"f32": (1, 4, 500_000), "int16": (1.9, 2, 2_000_000), "int8": (3.9, 1, 2_000_000)}
ROW_LIMIT, CACHE_BYTES, UNIT = 256, 256 << 10, 32


def spans(total, parts):
    return [total * (i + 1) // parts - total * i // parts for i in range(parts)]


def product_pieces(rows, products, kind, threads):
    """Products of two numbers of each piece of one pass; products: (inputs, outputs) over the same rows."""
    least = TYPES[kind][2]
    share = float("inf") if threads == 1 else max(least, sum(rows * i * o for i, o in products) // (16 * threads))
    pieces = []
    for inputs, outputs in products:
        if kind == "f32":
            chunks = -(-rows // ROW_LIMIT)
        else:
            size = 2 if kind == "int16" else 1
            chunks = max(1, min(rows, size * inputs * rows // CACHE_BYTES))
        units = -(-outputs // UNIT)
        columns = min(units, max(1, int(rows * inputs * outputs / chunks / share)))
        pieces += [r * inputs * min(u * UNIT, outputs) for r in spans(rows, chunks) for u in spans(units, columns)]
    return pieces


def passes(model, kind, batch, threads):
    """(seconds of each piece on one core at 1 multiply-add a second, bytes of weights) of every parallel pass of an encoding."""
    width, layers, heads, tokens, patch, patches = MODELS[model]
    rows, bytes_each = batch * tokens, TYPES[kind][1]

    def product(count, products):
        quantising = [] if kind == "f32" else [(elementwise(count, products[0][0]), 0)]
        return [*quantising, (product_pieces(count, products, kind, threads), bytes_each * sum(i * o for i, o in products))]

    def elementwise(count, columns):  # about four multiply-adds' time a number
        chunks = max(1, min(count, count * columns // 8192))
        return [4 * n * columns for n in spans(count, chunks)]

    done = product(batch * patches, [(patch, width)]) + [(elementwise(rows, width), 0)]
    for layer in range(layers):
        last = layer == layers - 1
        queries = batch if last else rows
        done.append((elementwise(rows, width), 0))
        done += product(rows, [(width, width)] * (2 if last else 3)) + (product(queries, [(width, width)]) if last else [])
        each = 2 * (1 if last else tokens) * tokens * (width // heads)
        done.append(([each] * (batch * heads), 0))
        done += product(queries, [(width, width)])
        done.append((elementwise(queries, width), 0))
        done += product(queries, [(width, 4 * width)]) + product(queries, [(4 * width, width)])
    return done


def seconds(model, kind, batch, threads, options):
    rate = options.gflops * 1e9 / 2 * TYPES[kind][0]
    total = 0.0
    for pieces, weights in passes(model, kind, batch, threads):
        cores = min(threads, len(pieces))
        free = [0.0] * cores
        for piece in pieces:
            heapq.heapreplace(free, free[0] + piece / rate)
        waits = options.handover * 1e-6 * (cores - 1).bit_length()
        total += max(max(free), weights / (options.bandwidth * 1e9)) + waits
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gflops", type=float, default=118, help="one core's in float32")
    parser.add_argument("--handover", type=float, default=6.0, help="microseconds a pass takes to hand over and wait for, between two cores")
    parser.add_argument("--bandwidth", type=float, default=100, help="GB a second that all cores read together")
    options = parser.parse_args()
    counts = (1, 2, 4, 8, 16, 32, 64)
    print("| model | type | batch | " + " | ".join(f"{c} cores" for c in counts) + " |")
    print("|---" * (3 + len(counts)) + "|")
    for model in MODELS:
        for kind in TYPES:
            for batch in (1, 32):
                one = seconds(model, kind, batch, 1, options)
                row = [f"{one / seconds(model, kind, batch, c, options):.1f}" for c in counts]
                print(f"| {model} | {kind} | {batch} | " + " | ".join(row) + " |")
