#!/usr/bin/env python3
"""How many times the attempts of one thread two threads make.

Other programs of the machine change one run by a tenth: pairs of runs take turns, and the ratio is
that of their sums, with its standard error. Usage: bench/mimic_threads.py [--attempts N]
[--pairs N] [--threads N] [--program FILE] [--task NAME]
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/understudy")
    parser.add_argument("--task", default="stack")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def run(command, *arguments):
            words = [options.program, command, *map(str, arguments), "--json"]
            out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            return json.loads(out)

        source = folder / "source.h5"
        run("teleop", "--task", options.task, "--demos", 10, "--seed", 1, "--out", source)

        def seconds(threads):
            report = run("mimic", "--source", source, "--out", folder / "out.h5", "--overwrite",
                         "--no-resume", "--attempts", options.attempts, "--seed", 7,
                         "--threads", threads)
            return report["times"]["wall_s"]

        pairs = []
        for i in range(options.pairs):
            pairs.append((seconds(1), seconds(options.threads)))
            print(f"{i + 1}: {pairs[-1][0] / pairs[-1][1]:.3f}", flush=True)
    one, more = (sum(column) for column in zip(*pairs))
    ratio = one / more
    error = math.sqrt(sum((a / b - ratio) ** 2 for a, b in pairs)) / len(pairs)
    made = options.attempts * options.pairs
    print(f"{options.threads} threads: {ratio:.3f} ± {error:.3f} times as many attempts "
          f"({made / one:.1f} and {made / more:.1f} per second)")


if __name__ == "__main__":
    main()
