#!/usr/bin/env python3
"""installed_test.py BUILD SOURCE [--archive FILE | --pack]: the installed tree (or an unpacked
.tar.gz: FILE, or one that is made for it) in an empty folder, with source and build out of reach,
runs the whole path in miniature. Exits 77 where no mount namespace can be had: then nothing keeps
the program from its source tree."""
import argparse, pathlib, shlex, shutil, subprocess, sys, tempfile

sys.dont_write_bytecode = True
import steps

parser = argparse.ArgumentParser()
parser.add_argument("build", type=pathlib.Path)
parser.add_argument("source", type=pathlib.Path)
parser.add_argument("--archive", type=pathlib.Path)
parser.add_argument("--pack", action="store_true")
args = parser.parse_args()

if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
    print("skipped: no mount namespace (unshare -m needs root)")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    tree = folder / "tree"
    if args.pack:
        # as `make package`, packed in a third of the time
        subprocess.run(["cpack", "-G", "TGZ", "--config", args.build / "CPackConfig.cmake", "-D",
                        "CPACK_ARCHIVE_COMPRESSION_LEVEL=1", "-B", folder / "pack"], check=True)
        args.archive, = (folder / "pack").glob("understudy-*.tar.gz")
    if args.archive:
        tree.mkdir()
        subprocess.run(["tar", "xzf", args.archive, "-C", tree, "--strip-components=1"], check=True)
        shutil.rmtree(folder / "pack", ignore_errors=True)
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
    script += steps.script(shlex.quote(str(moved / "bin" / "understudy")))
    result = subprocess.run(["unshare", "-m", "bash", "-c", "\n".join(script)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={"PATH": "/usr/bin:/bin", "HOME": str(work)})
    print(result.stdout)
    sys.exit(result.returncode)
