"""Reads what `data convert` wrote with plain h5py and checks it against the dataset that it is of.

    python3 tests/convert/check_converted.py own.h5 robomimic.hdf5 mimicgen.hdf5 isaaclab.hdf5

isaaclab.hdf5 must have double precision and our names and frames. Exits 77 without h5py.
"""
import json
import sys

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"SKIPPED: not checked with h5py: {missing}")
    sys.exit(77)


def rotation(q):
    """Matrices of quaternions xyzw."""
    x, y, z, w = np.moveaxis(q, -1, 0)
    return np.stack([
        np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
        np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
        np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1)], -2)


def exponential(r):
    """Matrices of rotation vectors, by Rodrigues' formula."""
    angle = np.linalg.norm(r, axis=-1)[:, None, None]
    x, y, z = np.moveaxis(r, -1, 0)
    o = np.zeros_like(x)
    k = np.stack([np.stack([o, -z, y], -1), np.stack([z, o, -x], -1), np.stack([-y, x, o], -1)], -2)
    k = k / np.maximum(angle, 1e-12)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def close(a, b, tolerance=1e-9):
    np.testing.assert_allclose(a, b, atol=tolerance, rtol=0)


def check_robosuite(own, file, mimicgen):
    env = json.loads(file["data"].attrs["env_args"])
    assert env["type"] == 1 and "env_kwargs" in env and "env_version" in env, env
    high = env["env_kwargs"]["controller_configs"]["output_max"]
    for name, demo in file["data"].items():
        ours = own["data"][name]
        n = demo.attrs["num_samples"]
        assert isinstance(demo.attrs["model_file"], str)
        assert isinstance(demo.attrs["success"], (bool, np.bool_))
        for key in demo["obs"]:
            assert len(demo["obs"][key]) == n and len(demo["next_obs"][key]) == n
            np.testing.assert_array_equal(demo["next_obs"][key][:-1], demo["obs"][key][1:])
        for key in ("agentview_image", "wrist_image"):
            np.testing.assert_array_equal(demo["obs"][key][:], ours["obs"][key][:])
            assert demo["obs"][key].chunks == (1,) + demo["obs"][key].shape[1:]
        np.testing.assert_array_equal(demo["states"][:], ours["states"][:])
        assert demo["dones"][-1] == 1 and demo["dones"][:-1].sum() == 0
        actions, absolute = demo["actions"][:], demo["actions_abs"][:]
        assert np.abs(actions).max() <= 1
        if not mimicgen:
            continue
        info = demo["datagen_info"]
        assert info.attrs["env_interface_type"] == "robosuite"
        eef, target = info["eef_pose"][:], info["target_pose"][:]
        close(absolute[:, :3], target[:, :3, 3])
        close(exponential(absolute[:, 3:6]), target[:, :3, :3])
        np.testing.assert_array_equal(info["gripper_action"][:, 0], absolute[:, 6])
        # p* = p + 0.05 a, R* = exp(0.5 a) R, wherever nothing was clipped
        free = np.abs(actions[:, :6]).max(axis=1) < 1
        assert free.any()
        close((eef[:, :3, 3] + high[0] * actions[:, :3])[free], target[free, :3, 3])
        close((exponential(high[3] * actions[:, 3:6]) @ eef[:, :3, :3])[free],
              target[free, :3, :3])
        # the hand that is observed is the one that is controlled, turned by a constant
        close(demo["obs/robot0_eef_pos"][:], eef[:, :3, 3])
        turn = np.swapaxes(eef[:, :3, :3], 1, 2) @ rotation(demo["obs/robot0_eef_quat"][:])
        close(turn, np.broadcast_to(turn[0], turn.shape))
        assert demo["src_demo_labels"].shape == (n, 1)
        # rows of several arms tell of the first subtask that goes on
        assert set(demo["src_demo_inds"][:]) >= set(demo["src_demo_labels"][:, 0])


def check_isaaclab(own, file):
    env = json.loads(file["data"].attrs["env_args"])
    assert env["type"] == 2, env
    assert abs(env["sim_args"]["dt"] * env["sim_args"]["decimation"] - 0.05) < 1e-12
    assert file.attrs["format_version"] == 1
    for name, demo in file["data"].items():
        ours = own["data"][name]
        n = demo.attrs["num_samples"]
        info = demo["obs/datagen_info"]
        close(info["eef_pose/robot0"][:], ours["datagen_info/eef_pose"][:])
        close(info["target_eef_pose/robot0"][:], ours["datagen_info/target_pose"][:])
        for o, thing in enumerate(("cube0", "cube1")):
            close(info["object_pose"][thing][:], ours["datagen_info/object_poses"][thing][:])
            # at rows 0 to T: the initial state, then what is after each step
            pose = np.concatenate([demo["initial_state/rigid_object"][thing]["root_pose"][:],
                                   demo["states/rigid_object"][thing]["root_pose"][:]])
            assert pose.shape == (n + 1, 7)
            wanted = ours["understudy/object_pose"][:, o]
            close(pose[:, :3], wanted[:, :3])
            close(pose[:, 3:], wanted[:, [4, 5, 6, 3]])
            close(rotation(pose[:-1, 3:]), info["object_pose"][thing][:, :3, :3])
        np.testing.assert_array_equal(
            info["subtask_term_signals/signal0"][:],
            ours["datagen_info/subtask_term_signals/signal0"][:])
        close(rotation(demo["obs/eef_quat"][:]), info["eef_pose/robot0"][:, :3, :3])
        move = info["target_eef_pose/robot0"][:, :3, 3] - info["eef_pose/robot0"][:, :3, 3]
        close(demo["actions"][:, :3] * 0.5, move)
        np.testing.assert_array_equal(demo["obs/wrist"][:], ours["obs/wrist_image"][:])


own, robomimic, mimicgen, isaaclab = (h5py.File(path, "r") for path in sys.argv[1:])
for file in (robomimic, mimicgen, isaaclab):
    assert list(file["data"]) == list(own["data"])
    assert file["data"].attrs["total"] == own["data"].attrs["total"]
    assert "understudy" not in file
    for key in own["mask"]:
        np.testing.assert_array_equal(file["mask"][key][:], own["mask"][key][:])
check_robosuite(own, robomimic, False)
check_robosuite(own, mimicgen, True)
check_isaaclab(own, isaaclab)
print(f"{len(own['data'])} episodes in three formats: equal, by h5py {h5py.__version__}")
