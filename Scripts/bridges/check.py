#!/usr/bin/env python3
"""Runs every example of this folder against the real program it is for, and compares with what `clip` itself answers.

  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
  swift build -c release
  .venv/bin/python check.py [--pictures 2000] [--only spark]

NumPy, FAISS, hnswlib and PostgreSQL with pgvector get the vectors of an index whose file names are as nasty as names
can be, and must find what `clip search` finds. Spark embeds `--pictures` pictures on two worker processes, one of which
is killed midway: every picture must be in the result exactly once, equal to the bit to what `clip` writes alone.
pgserver brings a PostgreSQL that has pgvector; Spark needs a Java runtime.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent
TEXTS = ("a cat", "something to drink", "a red thing")
NAMES = ("tab\there", "back\\slash", "quote'\"", "line\nend", "<script>", "\\N", "\\.", "café 🐈", "a,b;c", "%s{}$(x)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=PACKAGE / ".build" / "release" / "clip")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--only", choices=("neighbours", "pgvector", "spark"))
    arguments = parser.parse_args()
    checks = {"neighbours": check_neighbours, "pgvector": check_pgvector, "spark": check_spark}
    for name in [arguments.only] if arguments.only else checks:
        with tempfile.TemporaryDirectory() as scratch:
            print(checks[name](arguments, Path(scratch)), flush=True)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, **options).stdout


def expect(holds, words):
    if not holds:
        sys.exit(f"check: {words}")


def indexed(arguments, folder):
    """The example pictures under nasty names, and their index."""
    pictures = folder / "pictures"
    pictures.mkdir()
    examples = sorted((PACKAGE / "Models" / "examples").glob("*.[pj][np]g"))
    for number, example in enumerate(examples):
        pictures.joinpath(f"{NAMES[number % len(NAMES)]} {number}{example.suffix}").write_bytes(example.read_bytes())
    run(arguments.clip, "index", pictures, "--quiet", "--dtype", "f32")
    return pictures


def searched(arguments, pictures, text):
    lines = run(arguments.clip, "search", text, "--index", pictures, "--format", "jsonl", "--quiet").splitlines()
    return [(Path(hit["path"]).name, hit["score"]) for hit in map(json.loads, lines)]


def compare(what, found, expected):
    names, cosines = ([hit[part] for hit in found] for part in (0, 1))
    expect(names == [name for name, _ in expected], f"{what} found {names}, clip search {expected}")
    error = max(abs(cosine - score) for cosine, (_, score) in zip(cosines, expected))
    expect(error < 2e-6, f"{what}'s cosines differ by {error}")


def check_neighbours(arguments, scratch):
    pictures, vectors = indexed(arguments, scratch), scratch / "vectors.npy"
    run(arguments.clip, "vectors", "--index", pictures, "-o", vectors, "--quiet")
    for library in ("numpy", "faiss", "hnswlib"):
        for text in TEXTS:
            answer = run(sys.executable, HERE / "neighbours.py", "--with", library, "--clip", arguments.clip, vectors, text)
            # A name may hold a line's end; a new hit begins with its cosine.
            found = []
            for line in answer.decode().splitlines():
                cosine, tab, path = line.partition("\t")
                if tab and cosine.lstrip("-").replace(".", "").isdigit():
                    found.append((Path(path).name, float(cosine)))
                else:
                    found[-1] = (f"{found[-1][0]}\n{line}", found[-1][1])
            compare(library, found, searched(arguments, pictures, text))
    return f"neighbours: NumPy, FAISS and hnswlib find what clip finds, {len(TEXTS)} texts, names and all"


def check_pgvector(arguments, scratch):
    import pgserver

    pictures = indexed(arguments, scratch)
    server = pgserver.get_server(scratch / "database", cleanup_mode="delete")
    programs = Path(pgserver.__file__).parent / "pginstall" / "bin"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CLIP": str(arguments.clip),
                   "PGHOST": str(scratch / "database"), "PGUSER": "postgres", "PGDATABASE": "postgres"}  # fmt: skip
    for text in TEXTS:
        answer = run(HERE / "pgvector_search.sh", pictures, text, env=environment)
        hits = [json.loads(line) for line in answer.splitlines()]
        found = [(Path(hit["path"]).name, hit["cosine"]) for hit in hits]
        compare("pgvector", found, searched(arguments, pictures, text))
    version = run("psql", "-Atc", "SELECT extversion FROM pg_extension WHERE extname = 'vector'", env=environment)
    server.cleanup()
    return f"pgvector {version.decode().strip()}: finds what clip finds, {len(TEXTS)} texts, names and all"


def check_spark(arguments, scratch):
    paths = made_pictures(scratch / "pictures", arguments.pictures)
    broken = scratch / "pictures" / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:300])
    listed, result = scratch / "paths.txt", scratch / "embeddings.parquet"
    listed.write_text("".join(f"{path}\n" for path in [*paths, broken]))
    model = PACKAGE / "Models" / "clip-small.clip"
    log = scratch / "spark.log"
    spark = subprocess.Popen(
        [Path(sys.executable).parent / "spark-submit", "--master", "local-cluster[2,1,1024]",
         HERE / "spark_embed.py", "--clip", arguments.clip, "--model", model, "--list", listed, "--out", result,
         "--pictures-per-task", str(max(1, arguments.pictures // 40))],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable}, stdout=log.open("w"), stderr=subprocess.STDOUT,
        start_new_session=True)  # fmt: skip
    try:
        killed, done = kill_one_worker(result, spark)
        spark.wait(timeout=600)
    finally:
        if spark.poll() is None:
            os.killpg(spark.pid, signal.SIGKILL)
    said = log.read_text()
    expect(spark.returncode == 0, f"spark-submit ended with {spark.returncode}:\n{said[-3000:]}")
    expect(killed, "Spark ended before a worker could be killed")
    expect("Lost executor" in said, f"worker {killed} was killed and Spark didn't notice")

    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(result).to_pylist()
    seen = sorted(row["path"] for row in rows)
    expect(seen == sorted(map(str, [*paths, broken])), f"{len(paths) + 1} paths, {len(seen)} rows, {len(set(seen))} differ")
    errors = [row["path"] for row in rows if row["error"]]
    expect(errors == [str(broken)], f"errors: {errors}")
    alone = scratch / "alone.npy"
    names = "".join(f"{path}\n" for path in paths)
    run(arguments.clip, "embed-image", "--files-from", "-", "--quiet", "-o", alone, input=names.encode())
    embeddings = {row["path"]: row["embedding"] for row in rows if not row["error"]}
    together = numpy.array([embeddings[str(path)] for path in paths], dtype=numpy.float32)
    expect(numpy.array_equal(together, numpy.load(alone)), "Spark's embeddings are not those of clip alone")
    return (f"spark: {len(paths)} pictures and a broken one, each exactly once, equal to the bit; "
            f"worker {killed} was killed after {done} of 40 tasks")  # fmt: skip


def made_pictures(folder, count):
    folder.mkdir()
    draw = random.Random(1)
    paths = []
    for number in range(count):
        picture = Image.new("RGB", (320, 240), tuple(draw.randrange(256) for _ in range(3)))
        pen = ImageDraw.Draw(picture)
        for _ in range(6):
            x, y, w, h = (draw.randrange(10, 200) for _ in range(4))
            pen.ellipse((x, y, x + w, y + h), fill=tuple(draw.randrange(256) for _ in range(3)))
        paths.append(folder / f"{number:05}.jpg")
        picture.save(paths[-1])
    return paths


def kill_one_worker(result, spark):
    """Kills the first of Spark's two worker processes, with its children, when half of the tasks are committed."""
    done = 0
    while spark.poll() is None:
        done = len(list(result.glob("_temporary/0/task_*")))
        found = subprocess.run(["pgrep", "-g", str(spark.pid), "-f", "CoarseGrainedExecutorBackend"], capture_output=True)
        workers = [int(pid) for pid in found.stdout.split()]
        if done >= 20 and len(workers) == 2:
            os.kill(workers[0], signal.SIGKILL)
            return workers[0], done
        time.sleep(0.05)
    return None, done


if __name__ == "__main__":
    main()
