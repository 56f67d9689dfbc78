"""Makes robosuite_raw.h5: a raw recording as robosuite itself leaves it, before robomimic's
scripts. One demonstration of Lift by a Panda, recorded by robosuite's DataCollectionWrapper and
written by its gather_demonstrations_as_hdf5.

    python3 -m venv venv
    venv/bin/pip install robosuite==1.4.1 mujoco==2.3.7 h5py pynput
    MUJOCO_GL=egl venv/bin/python tests/golden/make_robosuite_raw_golden.py robosuite_raw.h5

The hand follows the cube; its way is not to the bit the same on every processor. The file holds
robosuite's description of the scene: robomimic_stack.LICENSE is for that.
"""
import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("PYNPUT_BACKEND", "dummy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import robosuite  # noqa: E402
from robosuite.scripts import collect_human_demonstrations  # noqa: E402
from robosuite.wrappers import DataCollectionWrapper  # noqa: E402


def lift(env):
    """Over the cube, down, close, up."""
    task = env.unwrapped
    sim, site = task.sim, task.robots[0].eef_site_id
    cube = sim.data.body_xpos[task.cube_body_id].copy()

    def move(height, grip, steps):
        for _ in range(steps):
            error = cube + [0, 0, height] - sim.data.site_xpos[site]
            action = np.zeros(7)
            action[:3] = np.clip(2 * error / 0.05, -1, 1)
            action[6] = grip
            env.step(action)

    move(0.06, -1, 20)
    move(0, -1, 10)
    move(0, 1, 6)
    move(0.1, 1, 14)
    assert task._check_success(), "the cube is not lifted"


def record(output, demos=1, seed=3):
    kwargs = {"robots": ["Panda"], "control_freq": 20,
              "controller_configs": robosuite.load_controller_config(default_controller="OSC_POSE")}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        env = DataCollectionWrapper(
            robosuite.make("Lift", has_renderer=False, has_offscreen_renderer=False,
                           use_camera_obs=False, ignore_done=True, **kwargs), str(folder / "raw"))
        np.random.seed(seed)
        for _ in range(demos):
            env.reset()
            lift(env)
        env.close()
        collect_human_demonstrations.gather_demonstrations_as_hdf5(
            str(folder / "raw"), str(folder), json.dumps(kwargs))
        # as if recorded elsewhere: robosuite finds its assets by what follows its own name
        packages = str(pathlib.Path(robosuite.__file__).parent.parent)
        with h5py.File(folder / "demo.hdf5", "r+") as f:
            for demo in f["data"].values():
                demo.attrs["model_file"] = demo.attrs["model_file"].replace(packages, "")
        # into a new file: the old one keeps the bytes of what was replaced
        with h5py.File(folder / "demo.hdf5") as f, h5py.File(output, "w") as out:
            f.copy("data", out)


if __name__ == "__main__":
    record(sys.argv[1])
