"""Raw recordings that robosuite itself writes are read and edited by this program, and robosuite
plays what was made of them.

    python3 tests/convert/check_robosuite_writer.py build/release/understudy

Last run with robosuite 1.4.1, mujoco 2.3.7. Exits 77 where robosuite 1.4 is missing.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("MUJOCO_GL", "egl")
try:
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
    import h5py
    import numpy as np
    import robosuite
    assert robosuite.__version__.startswith("1.4"), f"robosuite is {robosuite.__version__}, not 1.4"
    import make_robosuite_raw_golden as maker
except (ImportError, AssertionError) as missing:
    print(f"SKIPPED: not checked with robosuite: {missing}")
    sys.exit(77)

program = str(pathlib.Path(sys.argv[1]).resolve())


def run(*arguments, folder):
    result = subprocess.run([program, *map(str, arguments)], cwd=folder, capture_output=True,
                            text=True)
    assert result.returncode == 0, (arguments, result.returncode, result.stdout, result.stderr)
    return result.stdout


def faults(path, folder):
    verify = [program, "data", "verify", path, "--json"]
    return json.loads(subprocess.run(verify, cwd=folder, capture_output=True).stdout)["faults"]


def demos_of(file):
    return {name: (demo["states"][:], demo["actions"][:], demo.attrs["model_file"])
            for name, demo in file["data"].items()}


def check_same(ours, theirs):
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a, b)


def play(file, name):
    """As robosuite's playback_demonstrations_from_hdf5: the actions from an episode's start."""
    info = json.loads(file["data"].attrs["env_info"])
    env = robosuite.make(file["data"].attrs["env"], has_renderer=False,
                         has_offscreen_renderer=False, use_camera_obs=False, ignore_done=True,
                         **info)
    states, actions, model = demos_of(file)[name]
    env.reset()
    env.reset_from_xml_string(env.edit_model_xml(model))
    env.sim.reset()
    env.sim.set_state_from_flattened(states[0])
    env.sim.forward()
    for action in actions:
        env.step(action)
    assert env._check_success(), f"{name}: the cube is not lifted"
    env.close()


with tempfile.TemporaryDirectory() as temporary:
    root = pathlib.Path(temporary)
    maker.record(root / "a.hdf5", demos=2, seed=3)
    maker.record(root / "b.hdf5", demos=1, seed=4)
    with h5py.File(root / "a.hdf5") as a, h5py.File(root / "b.hdf5") as b:
        first, second = demos_of(a), demos_of(b)
    for name, count in (("a", 2), ("b", 1)):
        assert faults(f"{name}.hdf5", root) == []
        info = json.loads(run("data", "info", f"{name}.hdf5", "--json", folder=root))
        assert "raw recording" in info["format"], info["format"]
        assert info["episodes"] == count and info["robot"] == "Panda" and info["control_hz"] == 20
    run("data", "filter", "a.hdf5", "--drop", "demo_1", "--out", "kept.hdf5", folder=root)
    run("data", "merge", "a.hdf5", "b.hdf5", "--out", "all.hdf5", folder=root)
    with h5py.File(root / "kept.hdf5") as kept, h5py.File(root / "all.hdf5") as merged:
        assert list(kept["data"]) == ["demo_2"]
        check_same(demos_of(kept)["demo_2"], first["demo_2"])
        expected = [*first.values(), *second.values()]
        found = sorted(demos_of(merged).items(), key=lambda demo: int(demo[0][5:]))
        assert len(found) == len(expected)
        for (_, ours), theirs in zip(found, expected):
            check_same(ours, theirs)
        play(kept, "demo_2")
        play(merged, found[2][0])
    # learned from, and out as columns
    run("train", "all.hdf5", "--state-columns", "states", "--steps", "2", "--batch", "2",
        "--save-every", "2", "--out", "run", folder=root)
    run("data", "convert", "all.hdf5", "lerobot", "--to", "lerobot", "--lerobot.task", "lift",
        folder=root)
    assert faults("lerobot", root) == []
print("raw recordings of robosuite, and what is made of them: equal, and played")
