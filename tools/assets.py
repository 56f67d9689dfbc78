#!/usr/bin/env python3
"""Unpacks the pictures that demo/assets.json lists into a folder (.deps/assets).

They come from packages with permissive licences, by pip and apt: nothing of them is in this
repository, and everything works without them. What is there already is left; a file that is not
the one of the list is an error. `make assets` runs it; an installed program has it as
share/understudy/tools/assets.py, with the folder to unpack into as its argument.
"""
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def fetch_wheel(package, folder):
    """The wheel as {path: bytes}-like reader."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{package['requirement']} --hash=sha256:{package['sha256']}\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--require-hashes", "-d", folder, "-r", wanted],
        check=True, capture_output=True, text=True)
    wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
    return wheel.read


def fetch_deb(package, folder):
    subprocess.run(["apt-get", "download", "-qq", package["requirement"]], cwd=folder, check=True,
                   capture_output=True, text=True)
    tree = folder / "tree.tar"
    with tree.open("wb") as out:
        subprocess.run(["dpkg-deb", "--fsys-tarfile", next(folder.glob("*.deb"))], check=True, stdout=out)
    tar = tarfile.open(tree)
    return lambda path: tar.extractfile("./" + path).read()


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / ".deps" / "assets"
    listed = json.loads((HERE / "demo" / "assets.json").read_text())

    def place(name):
        return target / (name + Path(listed["pictures"][name]["file"]).suffix)

    def is_there(name):
        file = place(name)
        return file.is_file() and \
            hashlib.sha256(file.read_bytes()).hexdigest() == listed["pictures"][name]["sha256"]

    problems = []
    for name, package in listed["packages"].items():
        pictures = [p for p, of in listed["pictures"].items() if of["package"] == name]
        missing = [p for p in pictures if not is_there(p)]
        if not missing:
            continue
        print(f"assets: {len(missing)} pictures of {package['requirement']} into {target}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                fetch = {"wheel": fetch_wheel, "deb": fetch_deb}[package["kind"]]
                read = fetch(package, Path(folder))
                licence = target / "licences" / (name + ".txt")
                licence.parent.mkdir(parents=True, exist_ok=True)
                licence.write_bytes(read(package["licence_file"]))
            except (subprocess.CalledProcessError, OSError, KeyError) as error:
                said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
                problems.append(f"{package['requirement']} could not be fetched: {said[-1] if said else error}")
                if package["kind"] == "deb":
                    problems[-1] += " (where apt knows no packages: `apt-get update` first)"
                continue
            for picture in missing:
                of = listed["pictures"][picture]
                try:
                    content = read(of["file"])
                except KeyError:
                    problems.append(f"{package['requirement']} holds no {of['file']}")
                    continue
                if hashlib.sha256(content).hexdigest() != of["sha256"]:
                    problems.append(f"{of['file']} of {package['requirement']} is not the one of the list")
                    continue
                file = place(picture)
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_suffix(".part")
                part.write_bytes(content)
                part.rename(file)
    for problem in problems:
        print(f"assets: {problem}", file=sys.stderr)
    there = sum(is_there(p) for p in listed["pictures"])
    print(f"assets: {there} of {len(listed['pictures'])} pictures in {target}")
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
