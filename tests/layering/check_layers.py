#!/usr/bin/env python3
"""Who may include whom (docs: HACKING.md, "The house"). Exits 1 and names every breach."""
import pathlib, re, sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
FOLDERS = ("app", "core", "data", "view", "teleop", "sim", "mimic", "augment", "train")
STAGES = ("view", "teleop", "sim", "mimic", "augment", "train")

# an outside library's headers, and the only places that may include them
HOMES = {
    r"hdf5|H5\w*\.h|libdeflate": (r"data/store/",),
    r"libav\w+/|libsw\w+/": (r"data/video/",),
    r"arrow/|parquet/": (r"data/formats/parquet/",),
    r"httplib": (r"view/",),
    r"openxr/": (r"teleop/openxr/", r"teleop/virtual_headset/"),
    r"mujoco/": (r"sim/",),
    r"EGL/|GL/|GLES": (r"sim/", r"teleop/openxr/"),
    r"torch/|ATen/|c10/": (r"train/torch/torch\.h$",),
    r"CLI/": (r"app/",),
    r"yaml-cpp/": (r"core/base/",),
    r"xxhash": (r"core/base/",),
    r"ompl/": (r"mimic/plan/",),
}
# the switch of LibTorch's includes
TORCH_USERS = (r"train/torch/", r"train/policies/")

breaches = []
for folder in FOLDERS:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in (".h", ".cc", ".c"):
            continue
        name = path.relative_to(ROOT).as_posix()
        for line, text in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', text)
            if not match:
                continue
            included = match.group(1)
            top = included.split("/")[0]
            breach = ""
            if top == "app" and folder != "app":
                breach = "only app includes app"
            elif folder == "core" and top in FOLDERS and top != "core":
                breach = f"core knows itself only, not {top}"
            elif top in STAGES and folder != "app" and top != folder:
                breach = f"{folder} knows core and data only, not {top}"
            elif included == "train/torch/torch.h" and not re.match("|".join(TORCH_USERS), name):
                breach = "LibTorch stays in train/torch and train/policies"
            elif top not in FOLDERS:
                for library, homes in HOMES.items():
                    if re.match(library, included) and not any(re.match(h, name) for h in homes):
                        breach = f"its home is {' or '.join(homes)}"
            if breach:
                breaches.append(f"{name}:{line}: includes {included}: {breach}")
print("\n".join(breaches) or "layering: sound")
sys.exit(1 if breaches else 0)
