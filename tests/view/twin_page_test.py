#!/usr/bin/env python3
"""The twin in 3-D, in headless Chromium drawn by the processor: a stored episode in `understudy data view`, beside the
pictures that the program's own renderer made, and a running stage. Exits 77 where there is no Chromium.
--screenshots FOLDER keeps pictures of what it saw."""
import argparse, json, os, pathlib, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from browser import Browser, Served, find_browser

SIDE = 84
SEED = "2"  # its second to fourth starts have the cubes far enough apart for fingers between them
# draws what a camera of the dataset sees with three.js, beside the stored picture: pairs of numbers
DRAW = """(async () => {
  const twin = pane.twin, step = %d;
  twin.resize(%d, %d); twin.showInsets([]); twin.lookFrom(twin.firstCamera());
  pane.goTo(step); twin.world.updateMatrixWorld(true); twin.changed = true; twin.draw();
  const copy = document.createElement('canvas'); copy.width = copy.height = %d;
  const context = copy.getContext('2d'); context.drawImage(twin.canvas, 0, 0, %d, %d);
  const drawn = context.getImageData(0, 0, %d, %d).data;
  const stored = new Uint8Array(await askBytes(`/api/episode/${S.current}/frames?camera=0&from=${step}&count=1`));
  return Array.from(stored, (value, i) => [drawn[4 * Math.floor(i / 3) + i %% 3], value]);
})()"""


def same(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {str(found)[:300]}, wanted {str(wanted)[:300]}")


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def check_episodes(program, folder, shots):
    with Served(program, "data", "view", "looks.h5", folder=folder) as served, Browser(webgl=True) as page:
        page.open(served.url)
        page.until("document.body?.dataset.scenes === 'yes' && document.querySelector('#twin').dataset.step !== undefined")
        for episode in (0, 1, 2):
            page.run(f"openEpisode({episode}, 0)")
            page.until(f"document.querySelector('#twin').dataset.episode === '{episode}'")
            for step in (0, 60):
                pairs = page.run(DRAW % ((step,) + 7 * (SIDE,)))
                same("numbers", len(pairs), 3 * SIDE * SIDE)
                off, spread = mean(abs(a - b) for a, b in pairs), mean(abs(b - 128) for _, b in pairs)
                print(f"episode {episode}, step {step}: {off:.1f} of 255 off on average")
                if off > 12 or spread < 10:
                    sys.exit(f"episode {episode}, step {step}: {off:.1f} off: three.js draws something else")
        # another step is another picture
        page.run("pane.twin.resize(480, 360)")
        page.run("goTo(60)")
        same("step", page.run("document.querySelector('#twin').dataset.step"), "60")
        if shots:
            page.screenshot(shots / "episode.png")
        same("problems of the page", page.problems, [])
    # a dataset without a scene says why, and its page works on
    with Served(program, "data", "view", "foreign.h5", "--marks", "m.json", folder=folder) as served, Browser(webgl=True) as page:
        page.open(served.url)
        page.until("document.body?.dataset.scenes !== undefined")
        why = page.run("document.body.dataset.scenes")
        if why == "yes" or not why:
            sys.exit("a dataset of another program without our task has a scene")
        same("pane", page.run("document.querySelector('#twin_box').hidden"), True)
        same("problems of the page", page.problems, [])


def check_live(program, folder, shots):
    with Served(program, "mimic", "s.h5", "--attempts", "30", "--seed", "3", "--out", "g.h5", "--watch", folder=folder) as served, \
            Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        page.until("window.understudy && understudy.state.frames > 10 && understudy.state.drawn > 3")
        same("instruction", page.run("document.querySelector('#instruction').textContent"), "stack the red cube on the green cube")
        # bodies glide from step to step: places are drawn that no step had
        page.run("""(() => {
          const {twin, state} = understudy, body = twin.bodies[twin.scene.hands[0].body];
          window.seen = {steps: new Set(), drawn: new Set()};
          const look = () => {
            if (state.frame) seen.steps.add(state.frame.poses[7 * twin.scene.hands[0].body]);
            seen.drawn.add(Math.fround(body.position.x));
            requestAnimationFrame(look);
          };
          look();
        })()""")
        page.until("[...seen.drawn].filter(x => !seen.steps.has(x)).length > 20")
        same("ghost", page.run("understudy.twin.ghosts[0].group.visible"), True)
        first = page.run("understudy.state.frame.step")
        page.until(f"understudy.state.frame.step > {first}")
        # the hand is where its pose says
        page.run("document.querySelector('#cameras button').click()")
        page.until("understudy.twin.insets.length === 1")
        if shots:
            page.screenshot(shots / "live.png")
        same("problems of the page", page.problems, [])
        served.process.kill()
        page.until("!document.querySelector('#notice').hidden")


def check_record(program, folder, shots):
    """Stack is recorded with the page as the device; a second page may look on, and is told that it does not lead."""
    with Served(program, "teleop", "--task", "stack", "--device", "page", "--demos", "1", "--seed", SEED, "--out", "p.h5", folder=folder) \
            as served, Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        page.until("window.understudy && understudy.state.device && understudy.state.frame && understudy.state.status.phase === 'ready'")
        same("hint", page.run("document.querySelector('#hint').textContent"), "Enter starts; R draws another start; L records the last one saved again; Esc ends the session")
        with Browser(400, 300, webgl=True) as second:
            second.open(served.url)
            second.until("window.understudy && !document.querySelector('#notice').hidden")
            same("second page", "another page moves the arm" in second.run("document.querySelector('#notice').textContent"), True)
            same("its buttons", second.run("document.querySelector('#device').hidden"), True)
            second.until("understudy.state.frames > 0")
        text = (pathlib.Path(__file__).parent / "page_operator.js").read_text()
        # keys do what the help says: start, take hold, up, let go, another start
        for key, code in (("Enter", "Enter"), ("c", "KeyC")):
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", type=kind, key=key, code=code)
            page.until("understudy.state.status.phase !== 'ready'")
        page.until("understudy.state.frame.arms.length && understudy.state.frame.arms[0].flags & 1")
        before = page.run("understudy.state.frame.arms[0].pose[2]")
        page.call("Input.dispatchKeyEvent", type="keyDown", key="e", code="KeyE")
        page.until(f"understudy.state.frame.arms[0].pose[2] > {before} + 0.03")
        page.call("Input.dispatchKeyEvent", type="keyUp", key="e", code="KeyE")
        if shots:
            page.screenshot(shots / "record.png")
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="r", code="KeyR")
        page.until("understudy.state.status.phase === 'ready'")
        for _ in range(3):
            if page.run(f"({text[text.index('async'):]})(40)"):
                break
            page.until("understudy.state.status.phase === 'ready'")
        same("problems of the page", page.problems, [])
        served.process.wait(60)
    verified = subprocess.run([program, "data", "verify", "p.h5", "--replay", "--json"], cwd=folder, capture_output=True, text=True)
    same("verify", verified.returncode, 0)
    info = json.loads(subprocess.run([program, "data", "info", "p.h5", "--json"], cwd=folder, capture_output=True, text=True).stdout)
    same("demonstrations", info["successes"], 1)
    # what the operator saw, and how late
    seen = subprocess.run([program, "data", "filter", "p.h5", "--where", "quality.shown_after_p50_s > 0 && quality.round_trip_s > 0",
                           "--out", "seen.h5", "--json"], cwd=folder, capture_output=True, text=True)
    same("latency in the file", json.loads(seen.stdout).get("kept"), 1)


def check_session(program, folder, shots):
    """A plan of two tasks: the page goes on with the scene of the second, and says how the session goes."""
    (folder / "plan.yaml").write_text("seed: 3\ntasks:\n- {task: stack, demos: 1}\n- {task: coffee, demos: 1, instruction: make coffee}\n")
    with Served(program, "teleop", "--session", "plan.yaml", "--operator", "ada", "--device", "page", "--out", "recorded", folder=folder) \
            as served, Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        page.until("window.understudy && understudy.state.device && understudy.state.frame && understudy.state.status.phase === 'ready'")
        # the next scene comes later than its first instant, which is shown once
        page.run("(() => { const now = window.fetch; window.fetch = async (...of) => {"
                 " await new Promise(done => setTimeout(done, 700)); return now(...of); }; })()")
        text = (pathlib.Path(__file__).parent / "page_operator.js").read_text()
        for _ in range(6):
            if page.run(f"({text[text.index('async'):]})(40)"):
                break
            page.until("understudy.state.status.phase === 'ready'")
        page.until("understudy.state.status.instruction === 'make coffee' && understudy.state.status.phase === 'ready'")
        page.until("understudy.state.scene === 2 && understudy.state.frame.poses.length === 7 * understudy.twin.scene.bodies.length")
        same("scene", page.run("understudy.twin.scene.bodies.some(name => name.includes('pod'))"), True)
        same("count", page.run("understudy.state.status.count"), "0 of 1 demonstrations")
        # the board is that of the task before until an attempt at this one has ended
        page.run("understudy.state.device.press('start')")
        page.until("understudy.state.status.phase === 'recording'")
        page.run("new Promise(done => setTimeout(done, 500))")
        page.run("understudy.state.device.press('discard')")
        page.until("(document.querySelector('#board').textContent || '').includes('not saved: discarded1')")
        if shots:
            page.screenshot(shots / "session.png")
        page.until("understudy.state.status.phase === 'ready'")
        page.run("understudy.state.device.press('stop')")
        served.process.wait(60)
        same("problems of the page", [p for p in page.problems if "WebSocket" not in p], [])
    info = json.loads(subprocess.run([program, "data", "info", "recorded/stack_D0/ada.h5", "--by", "operator", "--json"], cwd=folder,
                                     capture_output=True, text=True).stdout)
    same("by operator", info["by_operator"]["ada"]["successes"], 1)
    same("the second task", (folder / "recorded" / "coffee_D0" / "ada.h5.episodes" / "session.json").exists(), True)


def enter_headset(page, served):
    """Opens the page with a stand-in for a headset's browser, and enters there."""
    page.call("Page.addScriptToEvaluateOnNewDocument",
              source=(pathlib.Path(__file__).parent / "fake_xr.js").read_text().replace("EYE = 256", "EYE = 128"))
    page.open(served.url)
    page.until("window.understudy && understudy.state.device && document.querySelectorAll('#ways button').length === 2")
    same("ways in", page.run("document.querySelector('#ways').textContent"), "enter VRenter AR (see through)")
    page.run("document.querySelector('#ways button').click()")


def check_headset(program, folder, shots):
    """Stack is recorded in a headset's browser, through sleep, recentering and a dropped socket."""
    here = pathlib.Path(__file__).parent
    with Served(program, "teleop", "--task", "stack", "--device", "webxr", "--demos", "1", "--seed", SEED, "--out", "x.h5",
                "--record.keep-failed", folder=folder) as served, Browser(256, 128, webgl=True) as page:
        enter_headset(page, served)
        phase = lambda text: page.until(f"(understudy.state.status.phase || '').includes({text!r})")
        press = lambda side, button, on: page.run(f"fakeXr.hands[{side}].buttons[{button}] = {on}")
        pose = lambda: page.run("Array.from(understudy.state.frame.arms[0].pose)")

        def squeeze():
            press(1, 1, 0)
            page.run("new Promise(done => setTimeout(done, 200))")
            press(1, 1, 1)
            page.until("understudy.state.frame.arms.length && understudy.state.frame.arms[0].flags & 1")

        # all that was said: a loss that is over at once is said for one step only
        page.run("window.phases = []; new MutationObserver(() => phases.push(document.querySelector('#phase').textContent))"
                 ".observe(document.querySelector('#phase'), {childList: true, characterData: true, subtree: true})")
        phase("ready")
        same("hint", page.run("document.querySelector('#hint').textContent"),
             "A (right) starts; X (left) draws another start; a press of the left stick records the last one saved again; Y (left) ends the session")
        # the sticks move the view while nothing is held: a push ahead brings the scene nearer
        where = lambda: page.run("[...understudy.twin.world.position.toArray(), understudy.twin.placement.yaw]")
        stood = where()
        page.run("(fakeXr.hands[0].axes = [0, 0, 0, -1], 0)")
        page.until(f"understudy.twin.world.position.z > {stood[2]} + 0.1")
        page.run("(fakeXr.hands[0].axes = [0, 0, 0, 0], fakeXr.hands[1].axes = [0, 0, 1, 0], 0)")
        page.until(f"understudy.twin.placement.yaw < {stood[3]} - 0.3")
        page.run("(fakeXr.hands[1].axes = [0, 0, 0, 0], 0)")
        press(1, 4, 1)
        phase("recording")
        press(1, 4, 0)
        squeeze()
        page.run("new Promise(done => setTimeout(done, 500))")
        stood = where()
        page.run("(fakeXr.hands[0].axes = [0, 0, 0, -1], fakeXr.hands[1].axes = [0, 0, -1, 0], 0)")
        page.run("new Promise(done => setTimeout(done, 700))")
        off = max(abs(a - b) for a, b in zip(stood, where()))
        if off > 1e-3:
            sys.exit(f"the view moved by {off} while the arm was held")
        # back to where it was, so that hands point where the operator of this test means
        page.run("(fakeXr.hands[0].axes = [0, 0, 0, 0], fakeXr.hands[1].axes = [0, 0, 0, 0], 0)")
        press(1, 1, 0)
        page.run("new Promise(done => setTimeout(done, 300))")
        page.run("(fakeXr.hands[1].axes = [0, 0, -1, 0], 0)")
        page.until(f"understudy.twin.placement.yaw > {stood[3]} + 0.3")
        page.run("(fakeXr.hands[1].axes = [0, 0, 0, 0], 0)")
        squeeze()
        before = pose()
        page.run("fakeXr.hands[1].p[1] += 0.04")
        page.until(f"understudy.state.frame.arms[0].pose[2] > {before[2] + 0.02}")
        # every fault drops the clutch, says why, and moves nothing until a fresh squeeze
        faults = (("fakeXr.sleep(true)", "fakeXr.sleep(false)", ("the headset shows something else", "no samples")),
                  ("fakeXr.recentre()", "0", ("recentered",)),
                  ("fakeXr.hands[1].emulated = true", "fakeXr.hands[1].emulated = false", ("not tracked",)),
                  ("fakeXr.hands[1].lost = true", "fakeXr.hands[1].lost = false", ("not tracked",)),
                  ("fakeXr.hands[1].gone = true", "fakeXr.hands[1].gone = false", ("not tracked", "no samples")),
                  ("fakeXr.hands[1].p[0] += 0.5", "fakeXr.hands[1].p[0] -= 0.5", ("the tracking jumped",)),
                  ("understudy.state.socket.close()", "0", ("the headset shows something else", "no samples")))
        for fault, mend, whys in faults:
            squeeze()
            held = pose()
            page.run("(phases = [], 0)")
            page.run(f"({fault}, 0)")
            page.until("phases.some(phase => phase.includes('lost: '))")
            said = page.run("phases.find(phase => phase.includes('lost: '))")
            if not any(said == f"hand lost: {why}" for why in whys):
                sys.exit(f"{fault}: said '{said}', wanted one of {whys}")
            page.run(f"({mend}, 0)")
            page.until("!understudy.state.closed && document.querySelector('#notice').hidden")
            page.run("fakeXr.hands[1].p[1] += 0.02")
            page.run("new Promise(done => setTimeout(done, 400))")
            off = max(abs(a - b) for a, b in zip(held[:3], pose()[:3]))
            if off > 0.02:
                sys.exit(f"{fault}: the command moved by {off} m without a squeeze")
        press(1, 1, 0)
        if shots:
            page.run("for (const id of ['state', 'cameras', 'device', 'numbers']) document.getElementById(id).style.display = 'none'")
            page.screenshot(shots / "headset.png")
        same("vibrations", page.run("fakeXr.pulses.length > 0"), True)
        press(0, 4, 1)
        phase("ready")
        press(0, 4, 0)
        # bare hands: signs are not the gripper's pinch, and are given once
        page.run("fakeXr.bareHands(['', ''])")
        page.until("understudy.state.device.profile === 'hand tracking'")
        page.run("fakeXr.bareHands(['', 'index'])")
        page.run("new Promise(done => setTimeout(done, 1300))")
        phase("ready")
        page.run("fakeXr.bareHands(['', 'middle'])")
        phase("recording")
        same("hint", "make a fist to move the arm" in page.run("understudy.state.status.hint"), True)
        page.run("fakeXr.bareHands(['', ''], false)")
        page.run("new Promise(done => setTimeout(done, 300))")
        page.run("fakeXr.bareHands(['', ''], true)")
        page.until("understudy.state.frame.arms.length && understudy.state.frame.arms[0].flags & 1")
        page.run("fakeXr.bareHands(['', 'index'], false)")
        page.until("!(understudy.state.frame.arms[0].flags & 1) && understudy.state.frame.arms[0].gripper > 0")
        page.run("fakeXr.bareHands(['pinky', ''])")
        phase("ready")
        page.run("for (const hand of fakeXr.hands) hand.bare = false; fakeXr.changeSources()")
        text = (here / "page_operator.js").read_text()
        for _ in range(4):
            if page.run(f"({text[text.index('async'):]})(40)"):
                break
            phase("ready")
        same("problems of the page", [p for p in page.problems if "WebSocket" not in p], [])
        served.process.wait(60)
    verified = subprocess.run([program, "data", "verify", "x.h5", "--replay", "--json"], cwd=folder, capture_output=True, text=True)
    same("verify", verified.returncode, 0)


def check_two_arms(program, folder, shots):
    """The two-arm task in a headset's browser, whose hands do what was recorded of a person at another headset."""
    task = "two_arm_three_piece_assembly"
    subprocess.run([program, "teleop", "--task", task, "--demos", "3", "--seed", "1", "--out", "arms.h5", "--quiet"], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    demos = json.loads(subprocess.run([RAW_STREAM, "arms.h5"], cwd=folder, check=True, capture_output=True, text=True).stdout)
    recorded = {demo["attempt"]: demo["samples"] for demo in demos}
    with Served(program, "teleop", "--task", task, "--device", "webxr", "--demos", "1", "--seed", "1", "--out", "xr2.h5",
                "--max-attempts", "3", folder=folder) as served, Browser(256, 128, webgl=True) as page:
        enter_headset(page, served)
        for attempt in range(3):
            page.until("understudy.state.status.phase === 'ready'")
            # a page that is photographed stands still, which would lose the hands
            if shots:
                page.run("for (const id of ['state', 'cameras', 'device', 'numbers']) document.getElementById(id).style.display = 'none'")
                page.screenshot(shots / "two_arms.png")
            rows = recorded.get(attempt)
            if not rows:
                sys.exit(f"start {attempt} was not recorded")
            page.run(f"(window.rows = {json.dumps(rows)}, 0)")
            page.run("fakeXr.hands[1].buttons[4] = 1")
            page.until("understudy.state.status.phase !== 'ready'")
            page.run("(fakeXr.hands[1].buttons[4] = 0, fakeXr.replay(rows), 0)")
            # a busy machine may miss the squeeze that engages a hand: then this start is over, and the next one is tried
            page.until("!fakeXr.recorded || understudy.state.frame.arms.length === 2 && "
                       "understudy.state.frame.arms.every(arm => arm.flags & 1)")
            page.until("!fakeXr.recorded || understudy.state.status.done > 0", 180)
            page.run("new Promise(done => setTimeout(done, 4000))")
            done = "understudy.state.status.done > 0"
            if page.run(done):
                break
            print(f"start {attempt} was not assembled: {page.run('understudy.state.status.phase')}")
            page.run("fakeXr.hands[1].buttons[5] = 1")
            page.until(f"understudy.state.status.phase === 'ready' || {done}")
            page.run("fakeXr.hands[1].buttons[5] = 0")
            if page.run(done):
                break
        same("problems of the page", [p for p in page.problems if "WebSocket" not in p], [])
        same("exit code", served.process.wait(60), 0)
    verified = subprocess.run([program, "data", "verify", "xr2.h5", "--replay", "--json"], cwd=folder, capture_output=True, text=True)
    same("verify", verified.returncode, 0)
    info = json.loads(subprocess.run([program, "data", "info", "xr2.h5", "--json"], cwd=folder, capture_output=True, text=True).stdout)
    same("demonstrations", info["successes"], 1)


def check_looks(program, folder, shots):
    """An evaluation of drawn looks shows what its policy sees."""
    looks = lambda page: page.run("understudy.twin.scene.lights.map(light => light.diffuse.join()).join(';') + "
                                  "JSON.stringify(understudy.twin.scene.shapes.map(shape => shape.rgba))")
    with Served(program, "evaluate", "--task", "stack", "--episodes", "6", "--plan-file", "randomised", "--seed", "1", "--horizon", "40",
                "--watch", "--workers", "1", folder=folder) as served, Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        page.until("window.understudy && understudy.state.scene > 0 && understudy.state.drawn > 3", 120)
        first, number = looks(page), page.run("understudy.state.scene")
        page.until(f"understudy.state.scene > {number}", 120)
        if looks(page) == first:
            sys.exit("another episode looks the same")
        if shots:
            page.screenshot(shots / "looks.png")
        same("problems of the page", [p for p in page.problems if "WebSocket" not in p], [])


def check_takeover(program, folder, shots):
    """A policy that holds still is taken over from at the page, corrected, and handed back to."""
    with Served(program, "evaluate", "--task", "stack", "--baseline", "hold", "--episodes", "2", "--seed", SEED, "--horizon", "2000",
                "--takeover", "page", "--correction.retarget.max-sample-age", "3", "--save", "c.h5", folder=folder) as served, Browser(640, 480, webgl=True) as page:
        page.open(served.url)
        acts = "understudy.state.status.phase === 'the policy acts'"
        page.until("window.understudy && understudy.state.device && understudy.state.frame && " + acts)
        same("hint", page.run("document.querySelector('#hint').textContent"),
             "press C to take over; Backspace discards the episode, R ends it as a failure, Esc ends all")
        at = "understudy.state.frame.arms[0].pose[2]"
        page.until("understudy.state.frame.step > 10")
        before = page.run(at)
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="c", code="KeyC")
        page.until("understudy.state.frame.arms[0].flags & 1")
        page.call("Input.dispatchKeyEvent", type="keyDown", key="e", code="KeyE")
        page.until(f"{at} > {before} + 0.03")
        page.call("Input.dispatchKeyEvent", type="keyUp", key="e", code="KeyE")
        if shots:
            page.screenshot(shots / "takeover.png")
        page.run("understudy.state.device.press('start')")
        page.until(acts)
        page.until("!(understudy.state.frame.arms[0].flags & 1)")
        page.run("understudy.state.device.press('reset')")
        page.until("understudy.state.frame.step < 10 && " + acts)
        page.run("understudy.state.device.press('stop')")
        served.process.wait(60)
        same("problems of the page", [p for p in page.problems if "WebSocket" not in p], [])
    info = json.loads(subprocess.run([program, "data", "info", "c.h5", "--json"], cwd=folder, capture_output=True, text=True).stdout)
    same("episodes", info["episodes"], 1)
    same("cause", info["causes_of_failure"], {"ended by the operator": 1})
    same("corrected", info["corrected"]["episodes"], 1)
    if not 5 < info["corrected"]["rows"] < info["steps"] - 10:
        sys.exit(f"rows: {info['corrected']} of {info['steps']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--foreign", required=True, help="a file of another program")
    parser.add_argument("--raw-stream", help="the program that prints what a device sent")
    parser.add_argument("--screenshots")
    parser.add_argument("--only", help="name of one check")
    options = parser.parse_args()
    if not find_browser():
        print("SKIPPED: there is no Chromium (apt-get install chromium)")
        return 77
    global RAW_STREAM
    RAW_STREAM = options.raw_stream
    shots = pathlib.Path(options.screenshots) if options.screenshots else None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "foreign.h5").write_bytes(pathlib.Path(options.foreign).read_bytes())
        for words in (("teleop", "--task", "stack", "--demos", "1", "--seed", "1", "--out", "s.h5"),
                      ("augment", "s.h5", "--variants", "2", "--plan-file", "randomised", "--out", "looks.h5")):
            subprocess.run([options.program, *words, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for check in (check_episodes, check_live, check_looks, check_record, check_session, check_headset, check_two_arms,
                      check_takeover):
            if options.only not in (None, check.__name__):
                continue
            check(options.program, folder, shots)
            print(f"{check.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
