#!/usr/bin/env python3
"""Applies the one-line faults of mutations.py, one at a time, and asks the tests to notice.

  tools/mutate.py --check           every entry still applies (no build; a test of `make test`)
  tools/mutate.py                   all of them; goes on where it was stopped
  tools/mutate.py --only PATTERN    those whose file or text contains PATTERN
  tools/mutate.py --fresh           forgets the results so far

The tree is copied to --work (build/mutate/tree), which has a build of its own: the working tree is
never changed. Results stand in build/mutate/results.json and, as a table, in build/mutate/table.md.
A fault is caught if a test fails or the time runs out. One that does not compile says nothing of the
tests: its entry is wrong.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from mutations import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parent.parent


def place_of(mutation, root=ROOT):
    """(line number, lines) of the entry, or (None, why it does not apply)."""
    file = root / mutation["file"]
    if not file.is_file():
        return None, f"{mutation['file']}: there is no such file"
    if "\n" in mutation["old"] + mutation["new"]:
        return None, f"{mutation['file']}: '{mutation['old']}' is more than one line"
    if mutation["old"] == mutation["new"]:
        return None, f"{mutation['file']}: '{mutation['old']}' is replaced by itself"
    lines = file.read_text(encoding="utf-8").split("\n")
    found = [i for i, line in enumerate(lines) if mutation["old"] in line]
    if len(found) != 1 or lines[found[0]].count(mutation["old"]) != 1:
        return None, f"{mutation['file']}: '{mutation['old']}' stands there {len(found)} times, not once"
    return found[0], lines


def check():
    problems = []
    seen = set()
    for mutation in MUTATIONS:
        line, result = place_of(mutation)
        if line is None:
            problems.append(result)
        for test in mutation["tests"].split(":"):
            folder = ROOT / "tests" / test.removesuffix("_test")
            if not folder.is_dir():
                problems.append(f"{mutation['file']}: there is no test program {test}")
        if key_of(mutation) in seen:
            problems.append(f"{mutation['file']}: '{mutation['old']}' is listed twice")
        seen.add(key_of(mutation))
    for problem in problems:
        print(problem)
    print(f"{len(MUTATIONS)} faults listed, {len(problems)} problems")
    return 1 if problems else 0


def key_of(mutation):
    text = "\0".join(mutation[k] for k in ("file", "old", "new", "tests", "filter"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(command, cwd, timeout):
    """(exit status or None where time ran out, output)."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return None, "time ran out"


def prepare(work, preset):
    """A copy of the working tree with a build of its own."""
    tree = work / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for name in wanted:
        source, copy = ROOT / name, tree / name
        # what did not change keeps its time and is not built again
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    kept = {"build", ".deps"}
    for copy in tree.rglob("*"):
        name = copy.relative_to(tree)
        if name.parts[0] not in kept and copy.is_file() and str(name) not in wanted:
            copy.unlink()
    if (ROOT / ".deps").exists() and not (tree / ".deps").exists():
        (tree / ".deps").symlink_to(ROOT / ".deps")
    if not (tree / "build" / preset / "build.ninja").exists():
        # a fault may leave a variable unused
        subprocess.run(["cmake", "--preset", preset, "-DCMAKE_CXX_FLAGS="], cwd=tree,
                       check=True)
    return tree


def build(tree, preset, targets, jobs):
    return run(["cmake", "--build", f"build/{preset}", "-j", str(jobs), "--target", *targets], tree, 7200)


def test(tree, preset, tests, gtest_filter, timeout):
    for name in tests:
        # the first test that fails decides; those that it skips are printed behind it
        status, output = run([f"build/{preset}/tests/{name}", f"--gtest_filter={gtest_filter}",
                              "--gtest_brief=1", "--gtest_fail_fast"], tree, timeout)
        if status is None:
            return "caught", f"{name}: time ran out"
        if status != 0:
            failed = [line for line in output.split("\n") if "FAILED  ]" in line]
            return "caught", f"{name}: {failed[0].strip() if failed else 'exit status ' + str(status)}"
    return "survived", ""


def try_one(tree, preset, mutation, jobs, timeout):
    line, lines = place_of(mutation, tree)
    if line is None:
        return "does not apply", lines
    file = tree / mutation["file"]
    whole = file.read_text(encoding="utf-8")
    tests = mutation["tests"].split(":")
    lines[line] = lines[line].replace(mutation["old"], mutation["new"])
    try:
        file.write_text("\n".join(lines), encoding="utf-8")
        status, output = build(tree, preset, tests, jobs)
        if status != 0:
            return "does not compile", ""
        return test(tree, preset, tests, mutation["filter"], timeout)
    finally:
        file.write_text(whole, encoding="utf-8")


def write_table(results, out):
    rows = ["| file | fault | result |", "|---|---|---|"]
    count = {}
    for mutation in MUTATIONS:
        result = results.get(key_of(mutation))
        if result is None:
            continue
        count[result["result"]] = count.get(result["result"], 0) + 1
        fault = f"`{mutation['old']}` → `{mutation['new'] or '(nothing)'}`".replace("|", "\\|")
        note = f" ({result['note']})" if result["note"] else ""
        rows.append(f"| {mutation['file']} | {fault} | {result['result']}{note} |")
    total = ", ".join(f"{value} {name}" for name, value in sorted(count.items()))
    rows += ["", f"{len(results)} of {len(MUTATIONS)} tried: {total or 'none'}."]
    out.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="no build: does every entry apply?")
    parser.add_argument("--only", default="", help="entries whose file or text contains this")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "mutate")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=600, help="s, of one test program")
    options = parser.parse_args()
    if options.check:
        return check()

    wanted = [m for m in MUTATIONS if options.only in m["file"] or options.only in m["old"]]
    options.work.mkdir(parents=True, exist_ok=True)
    file = options.work / "results.json"
    results = json.loads(file.read_text()) if file.exists() and not options.fresh else {}
    keys = {key_of(m) for m in MUTATIONS}
    results = {key: result for key, result in results.items() if key in keys}
    tree = prepare(options.work, options.preset)

    # without a fault the tests must pass, or nothing is said by their failing
    sound = set()
    for mutation in wanted:
        if key_of(mutation) in results:
            continue
        tests = mutation["tests"].split(":")
        if (mutation["tests"], mutation["filter"]) not in sound:
            status, output = build(tree, options.preset, tests, options.jobs)
            if status != 0:
                sys.exit(f"the tree does not build:\n{output[-4000:]}")
            state, note = test(tree, options.preset, tests, mutation["filter"], options.timeout)
            if state != "survived":
                sys.exit(f"the tests fail without a fault: {note}")
            sound.add((mutation["tests"], mutation["filter"]))
        start = time.time()
        state, note = try_one(tree, options.preset, mutation, options.jobs, options.timeout)
        results[key_of(mutation)] = {"result": state, "note": note}
        file.write_text(json.dumps(results, indent=1))
        write_table(results, options.work / "table.md")
        print(f"{state:15} {mutation['file']}: {mutation['old']}  [{time.time() - start:.0f} s] {note}",
              flush=True)
    count = write_table(results, options.work / "table.md")
    print(f"{len(results)} of {len(MUTATIONS)} tried: {count}; {options.work / 'table.md'}")
    return 0 if set(count) <= {"caught"} else 1


if __name__ == "__main__":
    sys.exit(main())
