#!/usr/bin/env python3
"""Embeds a list of pictures on a Spark cluster: every task is a `clip embed-image` that reads paths and writes JSON lines.

  clip pack MODEL -o model.clip                       # once; every worker of a machine maps the same file
  spark-submit spark_embed.py --clip clip --model model.clip --list paths.txt --out embeddings.parquet

The list has one path a line, as every worker sees it. The result has the columns `path`, `embedding` (array of floats),
`model` and `error`: a picture that can't be read is a row with its error, so that every path of the list is in the result
exactly once. A task whose `clip` or whose worker dies is run again by Spark; rows count only when their whole task is done.

`rdd.pipe` would do for a list without a broken picture: it takes the exit status 1, which says that one couldn't be
read, for the failure of a task, or, without `checkCode`, a killed process for a finished one.
"""

import argparse
import json
import subprocess

COLUMNS = "path string, embedding array<float>, model string, error string"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default="clip", help="the program, as the workers find it")
    parser.add_argument("--model", required=True, help="a packed model, as the workers find it")
    parser.add_argument("--list", required=True, help="a text file of paths, one a line")
    parser.add_argument("--out", required=True, help="a folder that gets Parquet files")
    parser.add_argument("--threads", type=int, default=1, help="of each task; as many as Spark gives a task cores")
    parser.add_argument("--pictures-per-task", type=int, default=1000)
    arguments = parser.parse_args()

    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("clip embed-image").getOrCreate()
    paths = spark.read.text(arguments.list).withColumnRenamed("value", "path")
    tasks = max(1, -(-paths.count() // arguments.pictures_per_task))
    command = [arguments.clip, "embed-image", "--model", arguments.model, "--threads", str(arguments.threads),
               "--files-from", "-", "--null", "--format", "jsonl", "--quiet"]  # fmt: skip
    embedded = paths.repartition(tasks).mapInPandas(lambda frames: embed(command, frames), COLUMNS)
    embedded.write.mode("overwrite").parquet(arguments.out)
    spark.stop()


def embed(command, frames):
    """Runs in a worker: one process for each batch of rows that Spark hands over, 10,000 by default."""
    import pandas

    for frame in frames:
        paths = list(frame["path"])
        names = "".join(f"{path}\0" for path in paths)
        done = subprocess.run(command, input=names, capture_output=True, text=True, errors="surrogateescape")
        records = {record["input"]: record for record in map(json.loads, done.stdout.splitlines())}
        messages = done.stderr.splitlines()
        rows = []
        for path in paths:
            record = records.get(path, {})
            error = None if record else next((line for line in messages if path in line), None)
            # A picture that can't be read has a line that names it. All else, a killed process or a missing model,
            # is the task's failure: Spark runs it again.
            if done.returncode not in (0, 1) or not (record or error):
                raise RuntimeError(f"clip ended with status {done.returncode} without {path}: {done.stderr.strip()}")
            rows.append((path, record.get("embedding"), record.get("model"), error))
        yield pandas.DataFrame(rows, columns=["path", "embedding", "model", "error"])


if __name__ == "__main__":
    main()
