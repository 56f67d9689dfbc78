"""Opens a converted dataset with LeRobot's own class and compares it with the HDF5 file it is from.

    understudy data convert looks.h5 --to lerobot --out folder      (or --to lerobot21)
    python3 tests/convert/check_with_lerobot.py looks.h5 folder

Last run: v3.0 with lerobot 0.4.4 (datasets 4), v2.1 with lerobot 0.3.3 (datasets 3); torch 2.13.0,
torchcodec 0.13.0 with FFmpeg's libraries, h5py.
v2.1 is also checked against what GR00T asks for: modality.json, stats.json, annotation columns.
Exits 77 where these packages are missing, or where LeRobot reads another version than the
dataset's: 0.4 reads v3.0, 0.3 reads v2.1.
"""
import json
import pathlib
import sys

try:
    import h5py
    import numpy as np
    import cpu_torchvision  # noqa: F401
    import torchcodec  # noqa: F401
    from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION, LeRobotDataset
except ImportError as missing:
    print(f"SKIPPED: not checked with LeRobot: {missing}")
    sys.exit(77)

source, folder = sys.argv[1:]
version = json.loads((pathlib.Path(folder) / "meta/info.json").read_text())["codebase_version"]
if version != CODEBASE_VERSION:
    print(f"SKIPPED: this LeRobot reads {CODEBASE_VERSION}, the dataset is {version}")
    sys.exit(77)
dataset = LeRobotDataset("local/check", root=folder, video_backend="torchcodec")
file = h5py.File(source, "r")
demos = sorted(file["data"], key=lambda name: int(name[5:]))
assert dataset.meta.total_episodes == len(demos)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


index, worst, neighbour_nearer = 0, 0.0, 0
for number, name in enumerate(demos):
    demo = file["data"][name]
    length = int(demo.attrs["num_samples"])
    rows = range(0, length, 7) if number < 20 else range(0)   # pictures of the first twenty
    for row in rows:
        item = dataset[index + row]
        assert int(item["episode_index"]) == number and int(item["frame_index"]) == row
        assert abs(float(item["timestamp"]) - row / dataset.meta.fps) < 1e-6
        assert item["task"] == text(demo["understudy"].attrs["instruction"])
        np.testing.assert_array_equal(item["action"].numpy(), demo["actions"][row].astype("f4"))
        for camera in dataset.meta.camera_keys:
            frames = demo[f"obs/{camera.split('.')[-1]}_image"]
            shown = item[camera].numpy().transpose(1, 2, 0) * 255
            height, width = frames.shape[1:3]

            def distance(k):
                return np.abs(shown[:height, :width] - frames[k].astype("f4")).mean()

            worst = max(worst, distance(row))
            # the frame before or after may look the same, but never nearer by much
            if row > 0 and distance(row - 1) + 0.5 < distance(row):
                neighbour_nearer += 1
    index += length
assert index == len(dataset)
assert neighbour_nearer == 0, f"{neighbour_nearer} frames belong to another row"
assert worst < 8, f"pictures are off by {worst} of 255"


def check_groot(root):
    """Slices of modality.json against the HDF5 file; statistics of every feature they cut."""
    import pyarrow.parquet as pq

    modality = json.loads((root / "meta/modality.json").read_text())
    stats = json.loads((root / "meta/stats.json").read_text())
    info = json.loads((root / "meta/info.json").read_text())
    table = pq.read_table(root / "data/chunk-000/episode_000000.parquet")
    demo = file["data"][demos[0]]
    quaternion = demo["obs/robot0_eef_quat"][:]   # xyzw

    def cut(kind, key):
        part = modality[kind][key]
        rows = np.array(table[part["original_key"]].to_pylist())
        assert info["features"][part["original_key"]]["dtype"] == part["dtype"]
        for name in ("mean", "std", "min", "max", "q01", "q99"):
            assert len(stats[part["original_key"]][name]) == rows.shape[1]
        return rows[:, part["start"]:part["end"]]

    for key, expected in (("robot0_eef_position", demo["obs/robot0_eef_pos"][:]),
                          ("robot0_eef_rotation", quaternion[:, [3, 0, 1, 2]]),
                          ("robot0_joints", demo["obs/robot0_joint_pos"][:]),
                          ("robot0_gripper", demo["obs/robot0_gripper_qpos"][:])):
        np.testing.assert_array_equal(cut("state", key), expected.astype("f4"))
    actions, target = demo["actions"][:], demo["actions_abs"][:]   # x y z qw qx qy qz gripper
    for key, expected in (("robot0_eef_position_delta", actions[:, 0:3].astype("f4")),
                          ("robot0_eef_rotation_delta", actions[:, 3:6].astype("f4")),
                          ("robot0_gripper", actions[:, 6:7].astype("f4")),
                          ("robot0_eef_position", target[:, 0:3]),
                          ("robot0_eef_rotation", target[:, 3:7].astype("f4"))):
        np.testing.assert_array_equal(cut("action", key), expected)
    for video in modality["video"].values():
        assert (root / "videos/chunk-000" / video["original_key"] / "episode_000000.mp4").exists()
    for key in modality["annotation"]:
        tasks = table[f"annotation.{key}"].to_pylist()
        assert tasks == table["task_index"].to_pylist()


if (pathlib.Path(folder) / "meta/modality.json").exists():
    check_groot(pathlib.Path(folder))
    print("modality.json: every slice is what it says")
print(f"{len(demos)} episodes, {index} rows: equal; pictures off by at most {worst:.1f} of 255 (mean)")
