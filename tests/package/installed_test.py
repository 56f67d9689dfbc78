#!/usr/bin/env python3
"""installed_test.py BUILD SOURCE [--archive FILE]: the installed tree (or an unpacked .tar.gz) in an
empty folder, with source and build out of reach, runs the whole path in miniature. Exits 77 where
no mount namespace can be had: then nothing keeps the program from its source tree."""
import argparse, pathlib, shlex, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument("build", type=pathlib.Path)
parser.add_argument("source", type=pathlib.Path)
parser.add_argument("--archive", type=pathlib.Path)
args = parser.parse_args()

if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
    print("skipped: no mount namespace (unshare -m needs root)")
    sys.exit(77)

STEPS = [
    "{u} --version",
    "{u} list",
    "{u} teleop --task stack --demos 2 --seed 1 --out s.h5 --quiet",
    "{u} mimic --source s.h5 --task stack --variant D0 --demos 2 --seed 2 --out g.h5 --quiet",
    "{u} augment g.h5 --variants 0 --max-episodes 2 --seed 3 --out l.h5 --quiet",
    "{u} train l.h5 --steps 2 --batch 2 --save-every 2 --set trainer.precision=float32 --out p --quiet",
    "{u} evaluate p --task stack --episodes 1 --horizon 8 --out e.json --quiet",
    "{u} data convert l.h5 lerobot --to lerobot --quiet",
    "{u} data verify lerobot --quiet",
]

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    tree = folder / "tree"
    if args.archive:
        tree.mkdir()
        subprocess.run(["tar", "xzf", args.archive, "-C", tree, "--strip-components=1"], check=True)
    else:
        subprocess.run(["cmake", "--install", args.build, "--prefix", tree], check=True,
                       capture_output=True)
    # moved: nothing in it may know where it was put first
    moved = folder / "elsewhere"
    tree.rename(moved)
    work = folder / "work"
    work.mkdir()
    script = ["set -e", "mount --make-rprivate /"]
    script += [f"mount -t tmpfs none {shlex.quote(str(p.resolve()))}" for p in (args.source, args.build)
               if p.exists() and not str(p.resolve()).startswith(str(args.source.resolve()) + "/")]
    script += [f"cd {shlex.quote(str(work))}"]
    for step in STEPS:
        script += [f"echo '> {step}'", step.format(u=shlex.quote(str(moved / 'bin' / 'understudy')))]
    result = subprocess.run(["unshare", "-m", "bash", "-c", "\n".join(script)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={"PATH": "/usr/bin:/bin", "HOME": str(work)})
    print(result.stdout)
    sys.exit(result.returncode)
