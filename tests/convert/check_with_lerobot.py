"""Opens a converted dataset with LeRobot's own class and compares it with the HDF5 file it is from.

    understudy data convert looks.h5 --to lerobot --out folder
    python3 tests/convert/check_with_lerobot.py looks.h5 folder

Last run with lerobot 0.4.4, torch 2.13.0, torchcodec 0.13.0, h5py. Exits 77 where these are missing.
"""
import sys

try:
    import h5py
    import numpy as np
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
except ImportError as missing:
    print(f"not checked: {missing}")
    sys.exit(77)

source, folder = sys.argv[1:]
dataset = LeRobotDataset("local/check", root=folder, video_backend="torchcodec")
file = h5py.File(source, "r")
demos = sorted(file["data"], key=lambda name: int(name[5:]))
assert dataset.meta.total_episodes == len(demos)

index, worst, neighbour_nearer = 0, 0.0, 0
for number, name in enumerate(demos):
    demo = file["data"][name]
    length = int(demo.attrs["num_samples"])
    rows = range(0, length, 7) if number < 20 else range(0)   # pictures of the first twenty
    for row in rows:
        item = dataset[index + row]
        assert int(item["episode_index"]) == number and int(item["frame_index"]) == row
        assert abs(float(item["timestamp"]) - row / dataset.meta.fps) < 1e-6
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
print(f"{len(demos)} episodes, {index} rows: equal; pictures off by at most {worst:.1f} of 255 (mean)")
