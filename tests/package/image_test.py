#!/usr/bin/env python3
"""image_test.py ARCHIVE: the OCI archive of `make image`, unpacked, runs the whole path in miniature
with nothing but what is in it. Exits 77 where there is no archive, no umoci, or no mount namespace."""
import json, pathlib, shlex, shutil, subprocess, sys, tempfile

sys.dont_write_bytecode = True
import steps

archive = pathlib.Path(sys.argv[1])
archives = sorted(archive.parent.glob(archive.name))
if not archives:
    print(f"skipped: no {archive} (make image)")
    sys.exit(77)
if shutil.which("umoci") is None:
    print("skipped: no umoci (apt-get install umoci)")
    sys.exit(77)
if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
    print("skipped: no mount namespace (unshare -m needs root)")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    layout = folder / "layout"
    layout.mkdir()
    subprocess.run(["tar", "xf", archives[-1], "-C", layout], check=True)
    tag = json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"][
        "org.opencontainers.image.ref.name"]
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:{tag}", folder / "bundle"], check=True,
                   capture_output=True)
    config = json.loads((folder / "bundle" / "config.json").read_text())["process"]
    assert config["args"][0] == "understudy", config["args"]
    assert config["cwd"] == "/work", config["cwd"]
    root = shlex.quote(str(folder / "bundle" / "rootfs"))
    inside = "\n".join([f"cd {config['cwd']}"] + steps.script("understudy"))
    outside = "\n".join([
        "set -e", "mount --make-rprivate /", f"mount -t proc none {root}/proc",
        f"mount --bind /dev {root}/dev", f"mount -t tmpfs none {root}/tmp",
        f"exec chroot {root} /usr/bin/env -i {' '.join(map(shlex.quote, config['env']))} HOME=/tmp "
        f"/bin/bash -c {shlex.quote(inside)}"])
    result = subprocess.run(["unshare", "-m", "bash", "-c", outside], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(result.stdout)
    sys.exit(result.returncode)
