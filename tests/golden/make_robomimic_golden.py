"""Makes robomimic_stack.h5 and robomimic_stack.json with robosuite's and robomimic's own tools: two
demonstrations of Stack by a Panda, recorded by robosuite's DataCollectionWrapper and written by its
gather_demonstrations_as_hdf5, then robomimic's convert_robosuite.py, split_train_val.py and
dataset_states_to_obs.py.

    python3 -m venv venv
    CMAKE_POLICY_VERSION_MINIMUM=3.5 venv/bin/pip install torch==2.13.0 torchvision==0.28.0 \\
        robomimic==0.3.0 robosuite==1.4.1 mujoco==2.3.7
    MUJOCO_GL=egl venv/bin/python make_robomimic_golden.py robomimic_stack.h5 robomimic_stack.json

robomimic 0.3.0 imports mujoco_py, for the type of one exception; robosuite 1.4 does without it, so
that a module with that type stands in for it; no keyboard is needed either. The hand follows the
cubes; its way is not to the bit the same on every processor. The JSON file says what robosuite
itself knows of chosen rows (site and bodies of its simulator, where the states are restored) and
what h5py reads. The HDF5 file holds robosuite's description of the scene: robomimic_stack.LICENSE
is for that.
"""

import json
import os
import pathlib
import runpy
import shutil
import sys
import tempfile
import types

import h5py
import numpy as np

mujoco_py = types.ModuleType("mujoco_py")
mujoco_py.builder = types.SimpleNamespace(MujocoException=RuntimeError)
sys.modules["mujoco_py"] = mujoco_py
os.environ.setdefault("PYNPUT_BACKEND", "dummy")
# demonstrations are gathered in the order of the folder's list, which nothing else decides
list_folder = os.listdir
os.listdir = lambda *folder: sorted(list_folder(*folder))
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "convert"))
import cpu_torchvision  # noqa: E402, F401
import robomimic  # noqa: E402
import robosuite  # noqa: E402
from robosuite.environments.manipulation.stack import Stack  # noqa: E402
from robosuite.scripts import collect_human_demonstrations  # noqa: E402
from robosuite.wrappers import DataCollectionWrapper  # noqa: E402

# robomimic asks for a reward without an action, as most of robosuite's tasks allow
Stack.reward.__defaults__ = (None,)
DEMOS, SIDE = 2, 16


def yaw_of(matrix):
    return np.arctan2(matrix[1, 0], matrix[0, 0])


def demonstrate(env):
    """Over cubeA, down, close, up, over cubeB, down, open: a hand that follows its goal."""
    sim = env.unwrapped.sim
    stack = env.unwrapped
    site = stack.robots[0].eef_site_id
    place = lambda body: sim.data.body_xpos[body].copy()

    def move(goal, grip, steps, yaw=None):
        for _ in range(steps):
            error = goal() - sim.data.site_xpos[site]
            matrix = sim.data.site_xmat[site].reshape(3, 3)
            action = np.zeros(7)
            action[:3] = np.clip(2 * error / 0.05, -1, 1)
            if yaw is not None:
                # a cube looks the same after a quarter turn
                turn = (yaw - yaw_of(matrix) + np.pi / 4) % (np.pi / 2) - np.pi / 4
                action[5] = np.clip(2 * turn / 0.5, -1, 1)
            action[6] = grip
            env.step(action)
            if np.linalg.norm(goal() - sim.data.site_xpos[site]) < 0.006:
                return

    yaw = yaw_of(sim.data.body_xmat[stack.cubeA_body_id].reshape(3, 3))
    start = place(stack.cubeA_body_id)
    move(lambda: start + [0, 0, 0.06], -1, 25, yaw)
    move(lambda: start, -1, 15, yaw)
    for _ in range(6):
        move(lambda: start, 1, 1)
    move(lambda: start + [0, 0, 0.07], 1, 15)
    held = sim.data.site_xpos[site] - place(stack.cubeA_body_id)
    over = lambda height: place(stack.cubeB_body_id) + [0, 0, height] + held
    move(lambda: over(0.07), 1, 25)
    move(lambda: over(0.045), 1, 15)
    for _ in range(6):
        move(lambda: over(0.06), -1, 1)
    assert stack._check_success(), "the cube does not stand on the other one"


def record(folder, task="Stack", demonstrate=demonstrate, demos=DEMOS, seed=7):
    config = robosuite.load_controller_config(default_controller="OSC_POSE")
    kwargs = {"robots": ["Panda"], "controller_configs": config, "control_freq": 20}
    env = DataCollectionWrapper(
        robosuite.make(task, has_renderer=False, has_offscreen_renderer=False,
                       use_camera_obs=False, ignore_done=True, **kwargs), str(folder / "raw"))
    np.random.seed(seed)
    for _ in range(demos):
        env.reset()
        demonstrate(env)
    env.close()
    collect_human_demonstrations.gather_demonstrations_as_hdf5(str(folder / "raw"), str(folder),
                                                               json.dumps(kwargs))
    # as if recorded elsewhere: robosuite finds its assets by what follows its own name
    packages = str(pathlib.Path(robosuite.__file__).parent.parent)
    with h5py.File(folder / "demo.hdf5", "r+") as f:
        for demo in f["data"].values():
            demo.attrs["model_file"] = demo.attrs["model_file"].replace(packages, "")


def script(name, *arguments):
    """A script of robomimic, as its command line runs it."""
    file = pathlib.Path(robomimic.__file__).parent / "scripts" / name
    sys.argv = [str(file), *map(str, arguments)]
    runpy.run_path(str(file), run_name="__main__")


def facts(path):
    """What robosuite's simulator says of the states, and h5py of the numbers."""
    from robomimic.utils import env_utils, file_utils, obs_utils
    obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": [], "rgb": []}})
    env = env_utils.create_env_from_metadata(
        file_utils.get_env_metadata_from_dataset(str(path)), render=False, render_offscreen=False,
        use_image_obs=False)
    result = {"demos": {}}
    with h5py.File(path) as f:
        result["masks"] = {key: [name.decode() for name in f["mask"][key]] for key in f["mask"]}
        for name in f["data"]:
            demo = f["data"][name]
            env.reset()
            env.reset_to({"model": demo.attrs["model_file"], "states": demo["states"][0]})
            length = len(demo["actions"])
            rows = []
            for k in sorted({0, 1, length // 2, length - 1}):
                env.reset_to({"states": demo["states"][k]})
                sim, stack = env.env.sim, env.env
                site = stack.robots[0].eef_site_id
                rows.append({
                    "row": k,
                    "site_p": sim.data.site_xpos[site].tolist(),
                    "site_R": sim.data.site_xmat[site].tolist(),
                    "cubeA_p": sim.data.body_xpos[stack.cubeA_body_id].tolist(),
                    "cubeB_p": sim.data.body_xpos[stack.cubeB_body_id].tolist(),
                    "success": bool(stack._check_success()),
                    "action": demo["actions"][k].tolist(),
                    "reward": float(demo["rewards"][k]),
                    "state_sum": float(demo["states"][k].sum()),
                    # of pixels, one per line of the picture, top first
                    "lines": demo["obs/agentview_image"][k].astype(int).sum((1, 2)).tolist(),
                    "joints": demo["obs/robot0_joint_pos"][k].tolist(),
                })
            result["demos"][name] = {"length": length, "rows": rows}
    return result


def main(output, expected):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        record(folder)
        np.random.seed(1)
        script("conversion/convert_robosuite.py", "--dataset", folder / "demo.hdf5")
        script("split_train_val.py", "--dataset", folder / "demo.hdf5", "--ratio", "0.5")
        script("dataset_states_to_obs.py", "--dataset", folder / "demo.hdf5", "--output_name",
               "image.hdf5", "--done_mode", "2", "--camera_names", "agentview",
               "robot0_eye_in_hand", "--camera_height", SIDE, "--camera_width", SIDE, "--compress")
        shutil.copy(folder / "image.hdf5", output)
        with open(expected, "w") as f:
            json.dump(facts(output), f, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
