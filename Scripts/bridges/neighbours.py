#!/usr/bin/env python3
"""Finds pictures by words with NumPy, FAISS or hnswlib, in vectors that `clip` has written.

  clip index photos
  clip vectors --index photos -o photos.npy
  neighbours.py --with faiss photos.npy "a red bicycle"

Prints cosine and path of the best, one a line. The names of the rows stand in photos.npy.json.
"""

import argparse
import io
import json
import subprocess

import numpy

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("vectors", help="a .npy file, its names in .npy.json beside it")
parser.add_argument("text")
parser.add_argument("--with", dest="library", default="numpy", choices=("numpy", "faiss", "hnswlib"))
parser.add_argument("--clip", default="clip", help="the program")
parser.add_argument("--model", help="the one that the index was made with, if it isn't the embedded model")
parser.add_argument("--top", type=int, default=10)
arguments = parser.parse_args()

vectors = numpy.load(arguments.vectors)
with open(f"{arguments.vectors}.json", encoding="utf-8") as file:
    names = json.load(file)["inputs"]
model = ["--model", arguments.model] if arguments.model else []
written = subprocess.run([arguments.clip, "embed-text", arguments.text, "--format", "npy", *model],
                         check=True, stdout=subprocess.PIPE).stdout  # fmt: skip
query = numpy.load(io.BytesIO(written))
top = min(arguments.top, len(vectors))

# Embeddings have length 1: the inner product is the cosine.
if arguments.library == "faiss":
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    cosines, rows = (answer[0] for answer in index.search(query, top))
elif arguments.library == "hnswlib":
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=200, M=16, random_seed=1)
    index.add_items(vectors)
    index.set_ef(max(100, top))
    rows, distances = (answer[0] for answer in index.knn_query(query, top))
    cosines = 1 - distances
else:
    similarities = vectors @ query[0]
    rows = numpy.argsort(-similarities, kind="stable")[:top]
    cosines = similarities[rows]

for row, cosine in zip(rows, cosines):
    print(f"{cosine:.6f}\t{names[row]}")
