#!/usr/bin/env python3
"""How fast the live page draws and answers, in headless Chromium drawn by the processor: pictures per second of a task's
scene at 640 x 480, and how long after a sample of a headset the picture stands that shows what came of it, while two eyes of
256 pixels are drawn. Two cores, nothing else at work: page_rates.py --program build/release/understudy
--minutes 10 instead: records so long in that headset, and says what a control step took, what was late and lost, and how
much memory was taken meanwhile."""
import argparse, json, pathlib, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "view"))
from browser import Browser, Served


def pictures(program, folder, task):
    with Served(program, "teleop", "--task", task, "--device", "page", "--demos", "1", "--out", f"{task}.h5", folder=folder) as served, \
            Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        page.until("Boolean(window.understudy && understudy.state.device && understudy.state.frame)")
        # as if something moved in every picture: the scene stands still while it waits for its operator
        page.run("(draw => { understudy.twin.draw = () => { understudy.twin.changed = true; return draw(); }; })(understudy.twin.draw.bind(understudy.twin))")
        time.sleep(2)
        begin, drawn = time.time(), page.run("understudy.state.drawn")
        time.sleep(10)
        rate = (page.run("understudy.state.drawn") - drawn) / (time.time() - begin)
    return rate


def round_trip(program, folder):
    with Served(program, "teleop", "--task", "stack", "--device", "webxr", "--demos", "1", "--out", "b.h5", folder=folder) as served, \
            Browser(512, 256, webgl=True) as page:
        enter(page, served.url)
        page.run("fakeXr.hands[1].buttons[4] = 1")
        page.until("understudy.state.status.phase === 'recording'")
        page.run("(understudy.state.latency = [], understudy.state.trips = [], 0)")
        frames = page.run("fakeXr.frames")
        time.sleep(10)
        rate, seen = (page.run("fakeXr.frames") - frames) / 10, sorted(page.run("understudy.state.latency"))
        trip = page.run("understudy.state.trips || []")
    return rate, seen, sorted(trip)


def enter(page, url):
    """Puts the headset on that stands in for one."""
    page.call("Page.addScriptToEvaluateOnNewDocument", source=(HERE.parent / "tests/view/fake_xr.js").read_text())
    page.open(url)
    page.until("window.understudy && document.querySelectorAll('#ways button').length")
    page.run("document.querySelector('#ways button').click()")
    page.until("(understudy.state.status.phase || '') === 'ready'")


def memory_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def long_run(program, folder, minutes):
    text = (HERE.parent / "tests/view/page_operator.js").read_text()
    operator = f"({text[text.index('async'):]})(40)"
    with Served(program, "teleop", "--task", "stack", "--device", "webxr", "--demos", "10000", "--max-attempts", "100000", "--record.keep-failed",
                "--out", "long.h5", "--json", folder=folder) as served, Browser(512, 256, webgl=True) as page:
        enter(page, served.url)
        begin, memory = time.time(), []
        while time.time() < begin + 60 * minutes:
            page.run(operator)
            page.until("understudy.state.status.phase === 'ready'")
            memory.append((time.time() - begin, memory_mib(served.process)))
        _, result = served.end()
    attempts = [attempt for attempt in result["attempts"] if attempt["steps"]]
    total = lambda key: sum(attempt["quality"].get(key, 0) for attempt in attempts)
    later = [mib for at, mib in memory if at > 60] or [mib for _, mib in memory]
    return {"minutes": minutes, "attempts": len(attempts), "demonstrations": result["demonstrations"], "control steps": total("steps"),
            "began late": total("overruns"), "samples lost": total("samples_lost"),
            "work of a step without physics, ms, p50 and worst p99 of an attempt":
                [round(1e3 * sorted(a["quality"]["work_p50_s"] for a in attempts)[len(attempts) // 2], 3),
                 round(1e3 * max(a["quality"]["work_p99_s"] for a in attempts), 3)],
            "memory, MiB, after a minute and at the end": [round(later[0], 1), round(later[-1], 1)]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).resolve())
    if options.minutes:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(long_run(program, folder, options.minutes), indent=1))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = {f"{task}: pictures per second": round(pictures(program, folder, task), 1) for task in ("stack", "coffee")}
        rate, seen, trip = round_trip(program, folder)
        at = lambda values, part: round(values[int(part * (len(values) - 1))], 1) if values else None
        result["headset: pictures per second"] = round(rate, 1)
        result["headset: seen after, ms p50, p99"] = [at(seen, 0.5), at(seen, 0.99)]
        result["headset: there and back, ms p50, p99"] = [at(trip, 0.5), at(trip, 0.99)]
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
