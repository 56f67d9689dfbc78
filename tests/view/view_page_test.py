#!/usr/bin/env python3
"""Opens the page of `understudy data view` in headless Chromium and uses it. Exits 77, which ctest
shows as skipped, where there is no Chromium.  --screenshots FOLDER keeps pictures of what it saw."""
import argparse, json, os, pathlib, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from browser import Browser, Served, find_browser

WIDTH, HEIGHT = 32, 24


def pixel(episode, camera, step, y, x, c):
    """The formula of view_support.h."""
    return (7 * episode + 50 * camera + 5 * step + 3 * y + x + 11 * c) % 256


def picture(value):
    """A picture as a canvas gives it: rgba."""
    return [p for y in range(HEIGHT) for x in range(WIDTH) for p in [value(y, x, c) for c in range(3)] + [255]]


def viewed(program, dataset, *more):
    """`understudy data view` at work."""
    return Served(program, "data", "view", dataset, "--json", *more)


class Page(Browser):
    def show(self, served, address=""):
        self.open(served.url + address)
        self.until("document.body?.dataset.measured === 'yes' && document.body.dataset.episode !== undefined")

    def at(self, episode, step):
        """Waits until every camera shows that step of that episode."""
        self.until(f"document.body.dataset.episode === '{episode}' && [...document.querySelectorAll('#cameras canvas')].every("
                   f"c => c.dataset.step === '{step}' && c.dataset.episode === '{episode}' && !c.classList.contains('late'))")

    def pixels(self, selector):
        return self.run(f"(() => {{ const c = document.querySelector({selector!r});"
                        "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; })()")

    def names(self):
        return self.run("[...document.querySelectorAll('#lines .name')].map(n => n.textContent)")

    def chip(self, name):
        return self.run(f"[...document.querySelectorAll('.chip')].find(c => c.firstChild.data === {name!r})?.lastChild.textContent")

    def text(self, selector):
        return self.run(f"document.querySelector({selector!r}).textContent")


def same(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {str(found)[:300]}, wanted {str(wanted)[:300]}")


def check_pictures(page):
    """What stands on the canvases is what stands in the file, and slider and keys lead there."""
    for episode, step in ((0, 0), (4, 63), (4, 64), (5, 149)):
        page.run(f"openEpisode({episode}, {step})")
        page.at(episode, step)
        for camera in range(2):
            same(f"pixels of episode {episode} step {step} camera {camera}", page.pixels(f"#camera{camera}"),
                 picture(lambda y, x, c: pixel(episode, camera, step, y, x, c)))
    page.run("openEpisode(1)")
    page.at(1, 0)
    page.key("ArrowRight")
    page.at(1, 1)
    page.key("ArrowRight", shift=True)
    page.at(1, 11)
    page.key("ArrowLeft")
    page.at(1, 10)
    page.key("End")
    page.at(1, 149)
    page.key("Home")
    page.at(1, 0)
    # the slider, with the mouse
    left, top, width, height = page.run("(b => [b.x, b.y, b.width, b.height])(document.querySelector('#slider').getBoundingClientRect())")
    page.press(left + width / 2, top + height / 2)
    step = int(page.run("document.querySelector('#slider').value"))
    if not 70 <= step <= 79:
        sys.exit(f"the middle of the slider is step {step}")
    page.at(1, step)
    same("pixels after the slider", page.pixels("#camera0"), picture(lambda y, x, c: pixel(1, 0, step, y, x, c)))
    # playing: every step is drawn with its own pictures, and it ends at the end
    page.run("(document.querySelector('#speed').value = '8', goTo(100))")
    page.key(" ")
    page.until("!player.playing && S.step === 149", 30)
    page.at(1, 149)
    page.run("document.querySelector('#speed').value = '1'")


def check_plots(page):
    """Numbers under the mouse are the file's, and the plot leads to the step."""
    page.run("openEpisode(0, 40)")
    page.at(0, 40)
    box = page.run("(b => [b.x, b.y, b.width, b.height])(plots.rows.find(r => r.spec.name === 'y' && r.spec.series.length === 2).canvas.getBoundingClientRect())")
    x, y = box[0] + box[2] * 90 / 149, box[1] + box[3] / 2
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    same("step under the mouse", page.text("#step_value"), "90 of 150")
    shown = page.run("plots.rows.find(r => r.spec.name === 'y' && r.spec.series.length === 2).value.title")
    truth = page.run("['measured ' + channel('position', 'robot0', 'arm')[1][90], 'target ' + channel('target', 'robot0')[1][90]].join(', ')")
    same("value under the mouse", shown, truth)
    page.press(x, y)
    page.at(0, 90)
    drawn = page.run("plots.rows.filter(r => r.canvas.offsetParent !== null).every(r => { const d = r.canvas.getContext('2d')"
                     ".getImageData(0, 0, r.canvas.width, r.canvas.height).data; return r.spec.name === 'clipped' || d.some(v => v > 0); })")
    same("every plot has something drawn", drawn, True)
    bands = page.run("plots.rows.slice(0, 2).map(r => [r.spec.name, r.spec.tell(90)])")
    same("bands", bands, [["subtask", "put it on the plate"], ["label", "bridge"]])


def check_list(page):
    same("chips", [page.chip(name) for name in ("all", "success", "failed", "mask train")], ["6", "6", "0", "3"])
    page.run("(w => { w.value = 'variant_index > 0 && dr.key.diffuse.0 > 0.5'; w.dispatchEvent(new Event('input')); })(document.querySelector('#where'))")
    page.until("S.shown.length === 2")
    same("episodes of the condition", page.names(), ["demo_2", "demo_5"])
    page.run("(w => { w.value = 'varaint_index > 0'; w.dispatchEvent(new Event('input')); })(document.querySelector('#where'))")
    page.until("document.querySelector('#where_error').textContent.includes(\"did you mean 'variant_index'\")")
    page.problems = [problem for problem in page.problems if "condition=varaint_index" not in problem]
    page.run("(w => { w.value = ''; w.dispatchEvent(new Event('input')); })(document.querySelector('#where'))")
    page.until("S.shown.length === 6")
    page.run("COLUMNS.find(c => c.key === 'look').button.click()")
    same("sorted by variant", page.names(), ["demo_2", "demo_5", "demo_1", "demo_4", "demo_0", "demo_3"])
    page.run("COLUMNS.find(c => c.key === 'number').button.click()")


def check_variants(page):
    page.run("openEpisode(4, 20)")
    page.at(4, 20)
    page.until("document.querySelectorAll('#variants figure').length === 3")
    page.until("[...document.querySelectorAll('#variants canvas')].every(c => c.dataset.step === '20' && !c.classList.contains('late'))")
    for place, episode in enumerate((3, 4, 5)):
        same(f"pixels of variant {place}", page.pixels(f"#variants figure:nth-child({place + 1}) canvas"),
             picture(lambda y, x, c: pixel(episode, 0, 20, y, x, c)))
    page.until("document.querySelectorAll('#draws tr').length > 1")
    lines = page.run("[...document.querySelectorAll('#draws tr')].map(r => [...r.children].map(c => c.textContent))")
    same("draws that differ", lines[:3], [["what was drawn", "nominal", "variant 1", "variant 2"],
                                          ["light key: diffuse", "nominal", "0.3 0.5 0.7", "0.6 0.5 0.4"],
                                          ["headlight: ambient", "nominal", "0.2 0.2 0.2", "0.2 0.2 0.2"]])
    same("what does not differ", [line for line in lines if "wall" in line[0]], [])
    page.key("v")
    page.at(5, 20)


def check_marks(page, sidecar, dataset):
    saved = lambda count: page.until(f"Number(document.body.dataset.saved || 0) === {count}")
    on_disk = lambda: {key: sorted(json.loads(sidecar.read_text())[key].values()) for key in ("keep", "drop")}
    page.run("openEpisode(0)")
    page.at(0, 0)
    page.key("K", shift=True)  # keeps and goes on
    saved(1)
    page.at(1, 0)
    page.key("d")
    saved(2)
    page.at(2, 0)
    same("marks on the disk", on_disk(), {"keep": ["demo_0"], "drop": ["demo_1"]})
    page.key("k")
    page.at(1, 0)
    page.key("j")
    page.at(2, 0)
    page.key("u")
    saved(3)
    page.at(1, 0)
    same("marks after undo", on_disk(), {"keep": ["demo_0"], "drop": []})
    page.click("#drop")
    saved(4)
    page.run("openEpisode(5)")
    page.at(5, 0)
    page.key("f")
    saved(5)
    same("marks on the disk", on_disk(), {"keep": ["demo_0", "demo_5"], "drop": ["demo_1"]})
    same("chips", [page.chip(name) for name in ("kept", "dropped", "unmarked")], ["2", "1", "3"])
    # a letter typed into the condition is no key
    page.run("document.querySelector('#where').focus()")
    page.key("d")
    page.run("(w => { w.value = ''; w.blur(); w.dispatchEvent(new Event('input')); })(document.querySelector('#where'))")
    same("marks on the disk", on_disk(), {"keep": ["demo_0", "demo_5"], "drop": ["demo_1"]})
    page.click("#save")
    page.run("document.querySelector('#save_link').value = 'link'")
    page.click("#save_go")
    page.until("document.querySelector('#save_result').textContent.includes('mask/keep')")
    if not dataset.with_name("looks.marked.h5").exists():
        sys.exit("no dataset with filter keys was written")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--datasets", required=True, help="the program that writes the datasets")
    parser.add_argument("--foreign", required=True, help="a file of another program")
    parser.add_argument("--screenshots")
    options = parser.parse_args()
    if not find_browser():
        print("SKIPPED: there is no Chromium (apt-get install chromium)")
        return 77
    shots = pathlib.Path(options.screenshots) if options.screenshots else None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([options.datasets, name], check=True)
        looks = folder / "looks.h5"
        before = looks.read_bytes()
        with viewed(options.program, looks) as served, Page() as page:
            page.show(served)
            for check in (check_pictures, check_plots, check_list, check_variants):
                check(page)
                print(f"{check.__name__}: fine")
            check_marks(page, folder / "looks.h5.marks.json", looks)
            print("check_marks: fine")
            if shots:
                page.run("document.querySelector('#save_dialog').close()")
                page.screenshot(shots / "looks.png")
            same("problems of the page", page.problems, [])
            code, result = served.end()
            same("end", (code, result["kept"], result["dropped"]), (0, 2, 1))
        same("the dataset is as it was", looks.read_bytes() == before, True)
        masks = json.loads(subprocess.run([options.program, "data", "info", str(folder / "looks.marked.h5"), "--json"], check=True,
                                          capture_output=True, text=True).stdout)["masks"]
        same("filter keys", masks, {"drop": 1, "keep": 2, "train": 3})
        # the same without a browser
        run = lambda *words: subprocess.run([options.program, "data", *words, "--json"], capture_output=True, text=True)
        applied = run("view", str(looks), "--apply-marks", "--out", str(folder / "good.h5"), "--key", "good", "--unmarked", "keep")
        same("--apply-marks", (applied.returncode, json.loads(applied.stdout)["good"]), (0, 5))
        same("filter keys", json.loads(run("info", str(folder / "good.h5")).stdout)["masks"], {"drop": 1, "good": 5, "train": 3})
        kept = run("filter", str(folder / "good.h5"), "--where", "mask.good && !mask.train", "--out", str(folder / "kept.h5"))
        same("filter by a key", json.loads(kept.stdout)["kept"], 3)
        for words, code, text in (((), 2, "name a dataset"), ((str(looks), "--out", "x.h5"), 2, "--apply-marks"),
                                  ((str(folder / "no.h5"),), 3, "no.h5"), ((str(looks), "--port", "70000"), 2, "port"),
                                  ((str(looks), "--apply-marks"), 2, "out"), ((str(looks), "--apply-marks", "--out", str(folder / "good.h5")), 2, "exists")):
            said = run("view", *words)
            same(f"data view {words}", (said.returncode, text in said.stderr), (code, True))

        # the marks are there again, and an address leads to its step
        with viewed(options.program, looks) as served, Page() as page:
            page.show(served, "#demo_3@7")
            page.at(3, 7)
            same("chips", [page.chip(name) for name in ("kept", "dropped")], ["2", "1"])

        # without pictures, with outliers and a failure
        with viewed(options.program, folder / "plain.h5") as served, Page() as page:
            page.show(served, "#demo_3")
            same("chips", [page.chip(name) for name in ("failed", "outliers")], ["1", page.run("String(S.flags.size)")])
            same("flag", "jerk" in page.text("#flags"), True)
            same("canvases of cameras", page.run("document.querySelectorAll('#cameras canvas').length"), 0)
            page.key("ArrowRight")
            same("step", page.run("S.step"), 1)
            page.run("openEpisode(7)")
            page.until("document.querySelector('#cause').textContent === 'dropped the cube'")
            same("problems of the page", page.problems, [])
            if shots:
                page.screenshot(shots / "plain.png")

        # of another program: its pixels are the formula of make_h5py_golden.py
        with viewed(options.program, options.foreign, "--marks", str(folder / "foreign.json")) as served, Page() as page:
            page.show(served, "#demo_10@3")
            page.at(2, 3)
            same("pixels of another program's file", page.pixels("#camera0"), picture(lambda y, x, c: (7 * 10 + 5 * 3 + 3 * y + x + 11 * c) % 256))
            page.key("d")
            page.until("document.body.dataset.saved === '1'")
            same("marks", list(json.loads((folder / "foreign.json").read_text())["drop"].values()), ["demo_10"])
            same("problems of the page", page.problems, [])
            if shots:
                page.screenshot(shots / "foreign.png")
    print("the page: fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
