#!/usr/bin/env python3
"""Who may include whom. Exits 1 and names every breach: an include that the table forbids, an
outside library away from its home, a circle of folders, or a table in HACKING.md that is not this
one. `check_layers.py ROOT --table` prints the table."""
import pathlib, re, sys

# folder: (what it may include of ours, what it is)
FOLDERS = {
    "core": ((), "what everybody may include: options, errors, random keys, poses, episodes, specs, seams"),
    "data": (("core",), "datasets: our own layout, everybody else's formats, videos"),
    "view": (("core", "data"), "datasets in a browser"),
    "teleop": (("core", "data"), "clutch, retargeting, recorder, headset, virtual headset, operators"),
    "mimic": (("core", "data"), "sources, attempts, runs, tuning, planned transits"),
    "augment": (("core", "data"), "randomizers, plans, variants"),
    "train": (("core", "data"), "samples, training runs, evaluation, policies"),
    "serve": (("core", "data"), "a policy on its way to a robot: server, client, the loop that drives, robots"),
    "sim": (("core",), "simulator, controller, predicates, renderer; robots, grippers, tasks"),
    "app": (("core", "data", "view", "teleop", "mimic", "augment", "train", "serve", "sim"), "command line, pipelines, reports"),
}

# outside library: (its headers, the only places that may include them)
HOMES = {
    "yaml-cpp": (r"yaml-cpp/", ("core/base/",)),
    "xxHash": (r"xxhash", ("core/base/",)),
    "HDF5": (r"hdf5|H5\w*\.h", ("data/store/hdf5/",)),
    "libdeflate": (r"libdeflate", ("data/store/",)),
    "pugixml": (r"pugixml", ("data/formats/base/",)),
    "Arrow": (r"arrow/|parquet/", ("data/formats/parquet/",)),
    "libav": (r"libav\w+/|libsw\w+/", ("data/video/",)),
    "Boost.Beast": (r"boost/(beast|asio)", ("view/http/", "serve/websocket/")),
    "OpenSSL": (r"openssl/", ("view/http/",)),
    "libqrencode": (r"qrencode", ("view/http/",)),
    "OpenXR": (r"openxr/", ("teleop/openxr/", "teleop/virtual_headset/")),
    "OMPL": (r"ompl/", ("mimic/plan/",)),
    "ZeroMQ": (r"zmq", ("serve/",)),
    "Cyclone DDS": (r"dds/|ros2_messages", ("serve/ros2/",)),
    "msgpack": (r"msgpack", ("serve/",)),
    "LibTorch": (r"torch/|ATen/|c10/", ("train/torch/torch.h", "train/torch/torch_ranks.cc", "train/torch/cuda/")),
    "CUDA": (r"cuda_runtime|nccl\.h", ("train/torch/cuda/",)),
    "MuJoCo": (r"mujoco/", ("sim/",)),
    "EGL, GL": (r"EGL/|GL/|GLES", ("sim/", "teleop/openxr/")),
    "CLI11": (r"CLI/", ("app/",)),
}
# what headers of core may include beside the standard library: who includes core gets no more
CORE_HEADERS = r"core/|Eigen/|nlohmann/|[^/.]+$"
# the switch of LibTorch's includes
TORCH_USERS = ("train/torch/", "train/policies/")
# a folder below is known to itself alone: all others go by the list of policies
POLICIES = "train/policies/"


def table():
    lines = ["| folder | what it is | may include | outside library |", "|---|---|---|---|"]
    for folder, (allowed, what) in FOLDERS.items():
        libraries = []
        for library, (_, homes) in HOMES.items():
            rooms = [h for h in homes if h.startswith(folder + "/")]
            if rooms:
                libraries.append(library + ("" if rooms == [folder + "/"] else
                                            " in " + ", ".join(f"`{r.removeprefix(folder + '/')}`" for r in rooms)))
        mine = "everything" if folder == "app" else ", ".join(f"`{a}`" for a in allowed) or "std, Eigen, nlohmann-json"
        lines.append(f"| `{folder}` | {what} | {mine} | {'; '.join(libraries) or 'none'} |")
    return "\n".join(lines)


def includes(path):
    for line, text in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', text)
        if match:
            yield line, match.group(1)


def circle(edges):
    """One circle of a graph {node: {node: example}}, as a list of nodes; empty: none."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return []
        path.append(node)
        for after in sorted(edges.get(node, ())):
            found = visit(after)
            if found:
                return found
        path.pop()
        done.add(node)
        return []

    for node in sorted(edges):
        found = visit(node)
        if found:
            return found
    return []


def check(root):
    breaches, edges = [], {}
    for folder, (allowed, _) in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".c"):
                continue
            name = path.relative_to(root).as_posix()
            room = name.rsplit("/", 1)[0]
            for line, included in includes(path):
                top = included.split("/")[0]
                breach = ""
                if top in FOLDERS and included.endswith(".h") and "/" in included:
                    if top != folder and top not in allowed:
                        breach = f"{folder} may include {', '.join(allowed) or 'nothing of ours'}"
                    elif included == "train/torch/torch.h" and not name.startswith(TORCH_USERS):
                        breach = f"LibTorch stays in {' and '.join(TORCH_USERS)}"
                    elif re.match(POLICIES + "[^/]+/", included) and included.rsplit("/", 1)[0] != room:
                        breach = f"a policy is known by the list {POLICIES}policies.h"
                    # a folder and its own rooms are one house: circles count between neighbours
                    other = included.rsplit("/", 1)[0]
                    if other != room:
                        edges.setdefault(room, {}).setdefault(other, f"{name}:{line}")
                elif name.startswith("core/") and name.endswith(".h") and not re.match(CORE_HEADERS, included):
                    breach = "headers of core include std, Eigen, nlohmann-json and core alone"
                else:
                    for library, (headers, homes) in HOMES.items():
                        if re.match(headers, included) and not name.startswith(homes):
                            breach = f"the home of {library} is {' or '.join(homes)}"
                if breach:
                    breaches.append(f"{name}:{line}: includes {included}: {breach}")
    found = circle(edges)
    if found:
        steps = [f"{a} -> {b} ({edges[a][b]})" for a, b in zip(found, found[1:])]
        breaches.append("circle of folders: " + ", ".join(steps))
    if table() not in (root / "HACKING.md").read_text():
        breaches.append("HACKING.md: its table of folders is not that of check_layers.py --table")
    return breaches


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    if "--table" in sys.argv:
        print(table())
        sys.exit(0)
    breaches = check(root)
    print("\n".join(breaches) or "layering: sound")
    sys.exit(1 if breaches else 0)
