"""Makes h5py_robomimic.h5: a file as robomimic's tools leave it (gzip, automatic chunks, no group of
ours), written by h5py, so that the reader is tested against another writer.

    python3 -m venv venv && venv/bin/pip install h5py numpy
    venv/bin/python make_h5py_golden.py h5py_robomimic.h5

Every number is a formula of its place, which the test repeats.
"""

import json
import sys

import h5py
import numpy as np

LENGTHS = {"demo_0": 5, "demo_2": 3, "demo_10": 4}
HEIGHT, WIDTH = 24, 32


def images(number, length):
    """image[t, y, x, c] = (7 number + 5 t + 3 y + x + 11 c) mod 256"""
    t, y, x, c = np.meshgrid(np.arange(length), np.arange(HEIGHT), np.arange(WIDTH), np.arange(3),
                             indexing="ij")
    return ((7 * number + 5 * t + 3 * y + x + 11 * c) % 256).astype(np.uint8)


def main(path):
    with h5py.File(path, "w") as f:
        data = f.create_group("data")
        data.attrs["total"] = sum(LENGTHS.values())
        data.attrs["env_args"] = json.dumps(
            {"env_name": "Stack_D0", "env_version": "1.4.1", "type": 1,
             "env_kwargs": {"robots": ["Panda"], "control_freq": 20,
                            "controller_configs": {"type": "OSC_POSE"}}})
        for name, length in LENGTHS.items():
            number = int(name[5:])
            demo = data.create_group(name)
            demo.attrs["num_samples"] = length
            demo.attrs["model_file"] = "<mujoco/>"
            t = np.arange(length)[:, None]
            demo["actions"] = np.clip(0.1 * t - 0.2 + 0.01 * np.arange(7)[None], -1, 1)
            demo["states"] = 0.05 * t + np.arange(9)[None] * (number + 1)
            demo["rewards"] = np.zeros(length)
            demo["dones"] = np.zeros(length, dtype=np.int64)
            obs = demo.create_group("obs")
            obs["robot0_eef_pos"] = np.concatenate([0.01 * t, 0 * t, 1 + 0 * t], axis=1)
            # a quarter turn about z, xyzw
            half = np.sqrt(0.5)
            obs["robot0_eef_quat"] = np.tile([0, 0, half, half], (length, 1))
            obs["robot0_gripper_qpos"] = np.tile([0.02, -0.02], (length, 1))
            obs.create_dataset("agentview_image", data=images(number, length), compression="gzip",
                               chunks=(2, 12, 16, 3))
            # automatic chunks and contiguous ones: what two other programs write
            obs.create_dataset("wrist_image", data=255 - images(number, length), compression="gzip")
            info = demo.create_group("datagen_info")
            pose = np.tile(np.eye(4), (length, 1, 1))
            pose[:, 0, 3] = 0.1 * np.arange(length)
            info["object_poses/cubeA"] = pose
            info["subtask_term_signals/grasp"] = (np.arange(length) >= 2).astype(np.int64)
        f["mask/train"] = np.array([b"demo_0", b"demo_10"], dtype="S")
        f["mask/valid"] = np.array([b"demo_2"], dtype="S")


if __name__ == "__main__":
    main(sys.argv[1])
