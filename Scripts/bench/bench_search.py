#!/usr/bin/env python3
"""Search and duplicates beside FAISS and NumPy, interleaved in one run, on the same vectors.

    swift build -c release --package-path Scripts/bench/search_probe
    pip install faiss-cpu numpy
    Scripts/bench/bench_search.py --probe Scripts/bench/search_probe/.build/release/SearchProbe [--count 1000000] [--threads 2]
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--probe", required=True)
parser.add_argument("--count", type=int, default=1_000_000)
parser.add_argument("--dimension", type=int, default=512)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--duplicates", type=int, default=0, help="also: near duplicates among so many, beside NumPy")
parser.add_argument("--folder", help="where the vectors and the index go, kept for the next run")
arguments = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)

import faiss  # noqa: E402
import numpy as np  # noqa: E402


class Probe:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def unit(rng, count):
    """Directions around a few thousand middles, so that some are near each other, as pictures are."""
    middles = rng.standard_normal((4096, arguments.dimension), dtype=np.float32)
    vectors = middles[rng.integers(0, len(middles), count)]
    vectors += rng.standard_normal((count, arguments.dimension), dtype=np.float32) * np.float32(1.5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def timed(body):
    start = time.perf_counter()
    result = body()
    return time.perf_counter() - start, result


def search(folder, probe):
    rng = np.random.default_rng(1)
    n, d = arguments.count, arguments.dimension
    path, index = os.path.join(folder, f"{n}x{d}.f32"), os.path.join(folder, f"{n}x{d}.index")
    if not os.path.exists(index):
        unit(rng, n).tofile(path)
        print("write", probe("write", index, d, path))
    # FAISS is given what the index holds: the same numbers, rounded to half precision.
    vectors = np.fromfile(path, np.float32).reshape(n, d).astype(np.float16).astype(np.float32)
    flat = faiss.IndexFlatIP(d)
    flat.add(vectors)
    del vectors
    faiss.omp_set_num_threads(arguments.threads)
    probe("open", index)
    print("open", {key: value for key, value in probe("open", index).items()})
    for count in (1, 100):
        queries = unit(np.random.default_rng(count), count)
        file = os.path.join(folder, "queries.f32")
        queries.tofile(file)
        ours, theirs, one = [], [], []
        for _ in range(arguments.rounds if count == 1 else 2):
            answer = probe("search", d, file, 10, arguments.threads)
            ours.append(answer["seconds"])
            seconds, (_, numbers) = timed(lambda: flat.search(queries, 10))
            theirs.append(seconds)
            faiss.omp_set_num_threads(1)
            one.append(timed(lambda: flat.search(queries, 10))[0] if count == 1 else seconds)
            faiss.omp_set_num_threads(arguments.threads)
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(answer["numbers"], numbers.tolist())])
        best, other = min(ours), min(theirs + one)
        extra = answer["memory"] - os.path.getsize(index)
        print(
            f"{count} queries, {arguments.threads} threads: {count / best:.1f} queries/s, FAISS {count / other:.1f} "
            f"(its best of 1 and {arguments.threads} threads): {other / best:.2f} times; recall@10 {recall:.4f}; "
            f"memory {extra / 2**20:+.1f} MiB beside the file",
            flush=True,
        )


def duplicates(folder, probe):
    n, d = arguments.duplicates, arguments.dimension
    rng = np.random.default_rng(2)
    vectors = unit(rng, n)
    # One in ten is made from another.
    copies = rng.choice(n, n // 10, replace=False)
    vectors[copies] = vectors[rng.integers(0, n, n // 10)]
    vectors[copies] += rng.standard_normal((n // 10, d), dtype=np.float32) * np.float32(0.3 / d**0.5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    path, index = os.path.join(folder, "dup.f32"), os.path.join(folder, "dup.index")
    vectors.tofile(path)
    if os.path.exists(index):
        os.remove(index)
    probe("write", index, d, path)
    probe("open", index)
    answer = probe("duplicates", 0.95, arguments.threads)
    vectors = vectors.astype(np.float16).astype(np.float32)

    def blocked():
        pairs = []
        for start in range(0, n, 1000):
            block = vectors[start : start + 1000] @ vectors[start:].T
            rows, columns = np.nonzero(block >= 0.95)
            pairs += [(int(r) + start, int(c) + start) for r, c in zip(rows, columns) if c > r]
        return pairs

    seconds, pairs = timed(blocked)
    near = {}
    for a, b in pairs:
        near.setdefault(a, []).append(b)
    taken, groups = set(), []
    for a in range(n):
        if a in taken:
            continue
        members = [b for b in near.get(a, []) if b not in taken]
        taken.update(members)
        if members:
            groups.append([a] + members)
    print(
        f"duplicates of {n} at 0.95, {arguments.threads} threads: {answer['seconds']:.1f} s, NumPy's blocked matmul "
        f"{seconds:.1f} s: {answer['seconds'] / seconds:.2f} times its time; {len(groups)} groups, "
        f"{'equal' if groups == answer['groups'] else 'NOT EQUAL'}"
    )


with tempfile.TemporaryDirectory() as scratch:
    folder = arguments.folder or scratch
    probe = Probe(arguments.probe)
    if arguments.duplicates:
        duplicates(folder, probe)
    else:
        search(folder, probe)
