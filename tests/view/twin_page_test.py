#!/usr/bin/env python3
"""The twin in 3-D, in headless Chromium drawn by the processor: a stored episode in `understudy data view`, beside the
pictures that the program's own renderer made, and a running stage. Exits 77 where there is no Chromium.
--screenshots FOLDER keeps pictures of what it saw."""
import argparse, os, pathlib, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from browser import Browser, find_browser

SIDE = 84
# draws what a camera of the dataset sees with three.js, beside the stored picture: pairs of numbers
DRAW = """(async () => {
  const twin = pane.twin, step = %d;
  twin.resize(%d, %d); twin.showInsets([]); twin.lookFrom(pane.first());
  pane.goTo(step); twin.world.updateMatrixWorld(true); twin.changed = true; twin.draw();
  const copy = document.createElement('canvas'); copy.width = copy.height = %d;
  const context = copy.getContext('2d'); context.drawImage(twin.canvas, 0, 0, %d, %d);
  const drawn = context.getImageData(0, 0, %d, %d).data;
  const stored = new Uint8Array(await askBytes(`/api/episode/${S.current}/frames?camera=0&from=${step}&count=1`));
  return Array.from(stored, (value, i) => [drawn[4 * Math.floor(i / 3) + i %% 3], value]);
})()"""


class Served:
    """A command that shows a page, at work."""

    def __init__(self, *command, folder):
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+/\?key=[0-9a-f]{32}", line)
            if found:
                self.url = found.group(0)
                return
        sys.exit("no address: " + "".join(said))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


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
            Browser(webgl=True) as page:
        page.open(served.url)
        page.until("window.understudy && understudy.state.frames > 10 && understudy.state.drawn > 3")
        same("instruction", page.run("document.querySelector('#instruction').textContent"), "stack the red cube on the green cube")
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--foreign", required=True, help="a file of another program")
    parser.add_argument("--screenshots")
    options = parser.parse_args()
    if not find_browser():
        print("SKIPPED: there is no Chromium (apt-get install chromium)")
        return 77
    shots = pathlib.Path(options.screenshots) if options.screenshots else None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "foreign.h5").write_bytes(pathlib.Path(options.foreign).read_bytes())
        for words in (("teleop", "--task", "stack", "--demos", "1", "--seed", "1", "--out", "s.h5"),
                      ("augment", "s.h5", "--variants", "2", "--plan-file", "randomised", "--out", "looks.h5")):
            subprocess.run([options.program, *words, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for check in (check_episodes, check_live):
            check(options.program, folder, shots)
            print(f"{check.__name__}: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
