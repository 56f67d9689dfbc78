"""Makes h5py_mimicgen_source.h5 and h5py_isaaclab.h5: files in the layouts that MimicGen and Isaac
Lab publish, written by h5py, so that the readers are tested against another writer.

    python3 -m venv venv && venv/bin/pip install h5py numpy
    venv/bin/python make_foreign_golden.py h5py_mimicgen_source.h5 h5py_isaaclab.h5

Every number is a formula of its place, which tests/data/foreign_golden_test.cc repeats.
"""

import json
import sys

import h5py
import numpy as np

T = 6
OBJECTS = ("cubeA", "cubeB")


def turn(angle):
    """A turn about z, and one by pi about x before it: a hand that points down."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([1.0, -1.0, -1.0])


def pose(angle, x, y, z, down=True):
    m = np.eye(4)
    m[:3, :3] = turn(angle) if down else turn(angle) @ np.diag([1.0, -1.0, -1.0])
    m[:3, 3] = x, y, z
    return m


def hand(i, k):
    return pose(0.1 * i + 0.02 * k, 0.01 * k, 0.1 * i, 1 - 0.01 * k)


def target(i, k):
    return pose(0.1 * i + 0.02 * k + 0.1, 0.01 * k + 0.02, 0.1 * i, 1 - 0.01 * k - 0.01)


def thing(i, o, k):
    return pose(0.3 + i + o, 0.05 * o, 0.02 * i, 0.82 + 0.01 * k, down=False)


def gripper(k):
    return -1.0 if k < 3 else 1.0


def quaternion(m, order):
    """Of a turn about z by 2 atan2(z, w), perhaps after one by pi about x."""
    down = m[2, 2] < 0
    half = 0.5 * np.arctan2(m[1, 0], m[0, 0])
    w, x, y, z = (0, np.cos(half), np.sin(half), 0) if down else (np.cos(half), 0, 0,
                                                                  np.sin(half))
    return np.array([w, x, y, z] if order == "wxyz" else [x, y, z, w])


def mimicgen(path):
    with h5py.File(path, "w") as f:
        data = f.create_group("data")
        data.attrs["total"] = 2 * T
        data.attrs["env_args"] = json.dumps({
            "env_name": "Stack_D0", "env_version": "1.4.1", "type": 1,
            "env_kwargs": {
                "robots": ["Panda"], "control_freq": 20,
                "controller_configs": {
                    "type": "OSC_POSE", "input_max": 1, "input_min": -1,
                    "output_max": [0.05, 0.05, 0.05, 0.5, 0.5, 0.5],
                    "output_min": [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5],
                    "kp": 150, "control_delta": True}}})
        for i in range(2):
            demo = data.create_group(f"demo_{i}")
            demo.attrs["num_samples"] = T
            demo.attrs["model_file"] = "<mujoco model=\"base\"/>"
            actions = np.zeros((T, 7))
            # 2 cm of 5 along x, 1 cm down, 0.1 rad of 0.5 about z
            actions[:, 0], actions[:, 2], actions[:, 5] = 0.4, -0.2, 0.2
            actions[:, 6] = [gripper(k) for k in range(T)]
            demo["actions"] = actions
            demo["states"] = 0.05 * np.arange(T)[:, None] + np.arange(32)[None] * i
            info = demo.create_group("datagen_info")
            info.attrs["env_interface_name"] = "MG_Stack"
            info.attrs["env_interface_type"] = "robosuite"
            info["eef_pose"] = np.stack([hand(i, k) for k in range(T)])
            info["target_pose"] = np.stack([target(i, k) for k in range(T)])
            info["gripper_action"] = np.array([[gripper(k)] for k in range(T)])
            for o, name in enumerate(OBJECTS):
                info[f"object_poses/{name}"] = np.stack([thing(i, o, k) for k in range(T)])
            info["subtask_term_signals/grasp"] = (np.arange(T) >= 3).astype(np.int64)


def isaaclab(path):
    """As Isaac Lab 2 writes: float32, gzip, wxyz, no version; states are after the step."""
    with h5py.File(path, "w") as f:
        data = f.create_group("data")
        data.attrs["total"] = 2 * T
        data.attrs["env_args"] = json.dumps(
            {"env_name": "Isaac-Stack-Cube-Franka-IK-Rel-Mimic-v0", "type": 2,
             "sim_args": {"dt": 0.01, "decimation": 5, "render_interval": 5, "num_envs": 1}})
        for i in range(2):
            demo = data.create_group(f"demo_{i}")
            demo.attrs["num_samples"] = T
            demo.attrs["success"] = bool(i == 0)
            demo.attrs["seed"] = 40 + i

            def put(name, values):
                demo.create_dataset(name, data=np.asarray(values, dtype=np.float32),
                                    compression="gzip")

            def state(k):
                """The tree at instant k."""
                tree = {}
                joints = 0.1 * np.arange(9) + 0.01 * k
                tree["articulation/robot/joint_position"] = joints
                tree["articulation/robot/joint_velocity"] = 0 * joints + k
                tree["articulation/robot/root_pose"] = [0, 0, 0, 1, 0, 0, 0]
                tree["articulation/robot/root_velocity"] = np.zeros(6)
                for o, name in enumerate(OBJECTS):
                    m = thing(i, o, k)
                    tree[f"rigid_object/{name}/root_pose"] = np.concatenate(
                        [m[:3, 3], quaternion(m, "wxyz")])
                    tree[f"rigid_object/{name}/root_velocity"] = np.zeros(6)
                return tree

            for name in state(0):
                put("initial_state/" + name, [state(0)[name]])
                put("states/" + name, [state(k + 1)[name] for k in range(T)])
            actions = np.zeros((T, 7))
            actions[:, 0], actions[:, 2], actions[:, 5] = 0.04, -0.02, 0.2
            actions[:, 6] = [-gripper(k) for k in range(T)]
            put("actions", actions)
            put("processed_actions", 0.5 * actions)
            put("obs/gripper_pos", [[0.04, 0.04]] * T)
            put("obs/eef_pos", [hand(i, k)[:3, 3] for k in range(T)])
            put("obs/eef_quat", [quaternion(hand(i, k), "wxyz") for k in range(T)])
            y, x, c = np.meshgrid(np.arange(6), np.arange(8), np.arange(3), indexing="ij")
            frames = [(7 * i + 5 * k + 3 * y + x + 11 * c) % 256 for k in range(T)]
            demo.create_dataset("obs/table_cam", data=np.stack(frames).astype(np.uint8),
                                compression="gzip")
            info = "obs/datagen_info/"
            put(info + "eef_pose/franka", [hand(i, k) for k in range(T)])
            put(info + "target_eef_pose/franka", [target(i, k) for k in range(T)])
            for o, name in enumerate(OBJECTS):
                put(info + f"object_pose/{name}", [thing(i, o, k) for k in range(T)])
            demo[info + "subtask_term_signals/grasp_1"] = np.arange(T) >= 3


if __name__ == "__main__":
    mimicgen(sys.argv[1])
    isaaclab(sys.argv[2])
