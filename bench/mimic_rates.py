#!/usr/bin/env python3
"""Generation rates of every listed task and variant beside MimicGen's published ones.

Ten demonstrations of D0 by the scripted operator, then 1000 attempts per variant; prints the table
of docs/results_mimic.md. Usage: bench/mimic_rates.py [--attempts N] [--folder DIR] [TASK ...]
"""
import argparse
import json
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/understudy"

# Mandlekar et al., "MimicGen", CoRL 2023, figure 4: data generation rate, %
PUBLISHED = {
    "stack": {"D0": 94.3, "D1": 90.0},
    "stack_three": {"D0": 71.3, "D1": 68.9},
    "square": {"D0": 73.7, "D1": 48.9, "D2": 31.8},
    "threading": {"D0": 51.0, "D1": 39.2, "D2": 21.6},
    "coffee": {"D0": 78.2, "D1": 63.5, "D2": 27.7},
    "three_piece_assembly": {"D0": 35.6, "D1": 35.5, "D2": 31.3},
    "two_arm_three_piece_assembly": {"D0": "none"},
}


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "runs/mimic_rates")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("tasks", nargs="*", default=list(PUBLISHED))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    print("| task | variant | rate, % [95 %] | published | attempts/s | steps | outside MuJoCo, µs "
          "per substep | failures by cause, per subtask |")
    print("|---|---|---|---|---|---|---|---|")
    for task in options.tasks:
        sources = options.folder / f"{task}_sources.h5"
        start = time.monotonic()
        if not sources.exists():
            run("teleop", "--task", task, "--demos", 10, "--seed", 1, "--out", sources)
            print(f"<!-- {task}: ten demonstrations in {time.monotonic() - start:.0f} s -->")
        for variant, published in PUBLISHED[task].items():
            out = options.folder / f"{task}_{variant}.h5"
            result = run("mimic", "--source", sources, "--task", task, "--variant", variant,
                         "--attempts", options.attempts, "--seed", options.seed, "--out", out,
                         "--overwrite", "--json")
            report = json.loads(result.stdout)
            (options.folder / f"{task}_{variant}.json").write_text(json.dumps(report, indent=1))
            low, high = (100 * x for x in report["interval"])
            times = report["times"]
            causes = "; ".join(f"{cause} {counts}" for cause, counts in report["failures"].items())
            print(f"| {task} | {variant} | {100 * report['rate']:.1f} [{low:.1f}, {high:.1f}] | "
                  f"{published} | {times['attempts_per_s']:.1f} | "
                  f"{report['success_steps']['mean']:.0f} | "
                  f"{times['outside_physics_us_per_substep']:.2f} | {causes} |", flush=True)


if __name__ == "__main__":
    main()
