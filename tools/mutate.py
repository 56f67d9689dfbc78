#!/usr/bin/env python3
"""Applies the one-line faults of mutations.py, one at a time, and asks the tests to notice.

  tools/mutate.py --check           every entry still applies (no build; a test of `make test`)
  tools/mutate.py                   all of them; goes on where it was stopped
  tools/mutate.py --only PATTERN    those whose file or text contains PATTERN
  tools/mutate.py --fresh           forgets the results so far

Nothing in the tree is changed. The release build (`make build`) lends its objects: a copy of the file
with the fault is compiled alone, with little optimization, and linked before them; where the tests do not
notice, all of its unity file, so that no call into it was inlined elsewhere. Results stand in
build/mutate/results.json and, as a table, in build/mutate/table.md. A fault is caught if a test fails
or the time runs out. One that does not compile says nothing of the tests: its entry is wrong.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

from mutations import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = "lib/libunderstudy.so"


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


def run(command, cwd, timeout, **environment):
    """(exit status or None where time ran out, output)."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True, shell=True,
                               env={**os.environ, **environment})
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return None, "time ran out"


class Failed(Exception):
    """A fault that could not be tried."""


class Build:
    """The release build, whose objects and command lines are borrowed."""

    def __init__(self, folder, work):
        self.folder, self.work, self.links = folder, work, {}
        self.commands, self.unity = {}, {}
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            self.commands[entry["file"]] = entry["command"]
            text = pathlib.Path(entry["file"]).read_text() if "/Unity/" in entry["file"] else ""
            for source in re.findall(r'#include "([^"]+)"', text) or [entry["file"]]:
                self.unity.setdefault(source, []).append(entry["file"])

    def object_of(self, unit):
        return re.search(r" -o (\S+)", self.commands[unit])[1]

    def compile(self, source, unit, out, include=None):
        """`source` with the options of the translation unit `unit`."""
        command = re.sub(r" -o \S+ -c \S+$", "", self.commands[unit].strip())
        command = command.replace(" -O3 ", " -O1 ").replace("-Winvalid-pch", "")
        if include:
            command = command.replace(" -I", f" -I{shlex.quote(str(include))} -I", 1)
        status, output = run(f"{command} -o {shlex.quote(str(out))} -c {shlex.quote(str(source))}",
                             self.folder, 600)
        if status != 0:
            raise Failed("does not compile", output[-300:])

    def link_command(self, target):
        if target not in self.links:
            lines = subprocess.run(["ninja", "-t", "commands", target], cwd=self.folder, check=True,
                                   capture_output=True, text=True).stdout
            self.links[target] = lines.strip().split("\n")[-1]
        return self.links[target]

    def link(self, target, out, replaced):
        """`target` with other objects in the place of its own, or before them."""
        command = self.link_command(target).replace(f" -o {target} ", f" -o {shlex.quote(str(out))} ")
        for old, new in replaced.items():
            if f" {old} " not in command:
                raise Failed("does not link", f"{target} has no {old}")
            command = command.replace(f" {old} ", f" {new} ", 1)
        command = command.replace(" -o ", " -Wl,--allow-multiple-definition -o ", 1)
        status, output = run(command, self.folder, 600)
        if status != 0:
            raise Failed("does not link", output[-300:])

    def first_object(self, target):
        return re.search(r" (\S+\.o) ", self.link_command(target))[1]

    def units_of(self, test):
        return [unit for unit in self.commands if f"/{test}.dir/" in f"/{self.object_of(unit)}"]

    def programs(self, mutation, text, whole):
        """(test program, environment) for each test of a fault, built one after the other."""
        tests = mutation["tests"].split(":")
        source = ROOT / mutation["file"]
        if source.suffix == ".h":
            yield from self.with_header(mutation["file"], text, tests)
            return
        fault = self.work / source.name
        fault.write_text(text, encoding="utf-8")
        unit = next(u for u in self.unity[str(source)] if "/tests/" not in u)
        own = self.object_of(unit)
        if whole and "/Unity/" in unit:
            unity = pathlib.Path(unit).read_text()
            fault = self.work / "unity.cxx"
            fault.write_text(unity.replace(f'"{source}"', f'"{self.work / source.name}"'))
        out = self.work / "fault.o"
        self.compile(fault, unit, out)
        shared = "_objects.dir/" in own
        if shared:
            (self.work / "lib").mkdir(exist_ok=True)
            self.link(LIBRARY, self.work / LIBRARY, {own: out if whole else f"{out} {own}"})
        for test in tests:
            if shared:
                yield self.folder / "tests" / test, {"LD_LIBRARY_PATH": str(self.work / "lib")}
                continue
            # tests of the command line run the program
            target = "understudy" if test == "cli_test" else f"tests/{test}"
            linked = self.work / pathlib.Path(target).name
            first = self.first_object(target)
            self.link(target, linked, {first: f"{out} {first}"})
            if test == "cli_test":
                yield self.folder / "tests" / test, {"UNDERSTUDY_PROGRAM": str(linked)}
            else:
                yield linked, {}

    def with_header(self, name, text, tests):
        """Test programs that were compiled with another text of a header."""
        header = self.work / "include" / name
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text(text, encoding="utf-8")
        for test in tests:
            replaced = {}
            for i, unit in enumerate(self.units_of(test)):
                out = self.work / f"unit_{i}.o"
                self.compile(unit, unit, out, include=self.work / "include")
                replaced[self.object_of(unit)] = out
            self.link(f"tests/{test}", self.work / test, replaced)
            yield self.work / test, {}
        header.unlink()


def test(program, environment, gtest_filter, timeout):
    """What the first test that fails says; None where all pass."""
    status, output = run(f"ulimit -c 0; {program} --gtest_filter={shlex.quote(gtest_filter)} "
                         "--gtest_brief=1 --gtest_fail_fast", ROOT, timeout, **environment)
    if status is None:
        return "time ran out"
    if "[==========] 0 tests" in output:
        sys.exit(f"{program.name}: no test is called {gtest_filter}")
    failed = [line for line in output.split("\n") if "FAILED  ]" in line]
    return None if status == 0 else failed[0].strip() if failed else f"exit status {status}"


def try_one(build, mutation, timeout):
    line, lines = place_of(mutation)
    if line is None:
        return "does not apply", lines
    lines[line] = lines[line].replace(mutation["old"], mutation["new"])
    for whole in (False, True):
        try:
            for program, environment in build.programs(mutation, "\n".join(lines), whole):
                failure = test(program, environment, mutation["filter"], timeout)
                if failure:
                    return "caught", f"{program.name}: {failure}"
        except Failed as failed:
            # alone it may need what a program takes from its unity file only
            if whole or failed.args[0] != "does not link":
                return failed.args
    return "survived", ""


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
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "mutate")
    parser.add_argument("--timeout", type=float, default=600, help="s, of one test program")
    options = parser.parse_args()
    if options.check:
        return check()

    options.work.mkdir(parents=True, exist_ok=True)
    file = options.work / "results.json"
    results = json.loads(file.read_text()) if file.exists() and not options.fresh else {}
    keys = {key_of(m) for m in MUTATIONS}
    results = {key: result for key, result in results.items() if key in keys}
    build = Build(options.build.resolve(), options.work.resolve())

    # without a fault the tests must pass, or nothing is said by their failing
    sound = set()
    for mutation in MUTATIONS:
        if options.only not in mutation["file"] and options.only not in mutation["old"]:
            continue
        if key_of(mutation) in results:
            continue
        for name in mutation["tests"].split(":"):
            if (name, mutation["filter"]) in sound:
                continue
            failure = test(build.folder / "tests" / name, {}, mutation["filter"], options.timeout)
            if failure:
                sys.exit(f"the tests fail without a fault: {name}: {failure}")
            sound.add((name, mutation["filter"]))
        start = time.time()
        state, note = try_one(build, mutation, options.timeout)
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
