"""Writes lerobot_writer: a small dataset by LeRobot's own LeRobotDataset (0.4.4), and what its
tools make of it.

    python3 -m venv venv
    venv/bin/pip install lerobot==0.4.4 torch==2.13.0 torchvision==0.28.0
    venv/bin/python tests/golden/make_lerobot_writer_golden.py tests/golden/lerobot_writer

`whole` has four episodes of two tasks, `deleted` is `whole` without episode 1 (delete_episodes),
`merged` is `whole` and `deleted` one after the other (merge_datasets). Row k of episode e holds
state[i] = e + k / 8 + i / 64 and action[i] = -that; pixel (y, x) of the camera "front" is
(10 e + 3 k, 2 y, 5 x). Pictures are PNG within the Parquet files; tests/convert/
check_lerobot_writer.py makes the same with films.
"""
import os
import pathlib
import shutil
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "convert"))
import numpy as np  # noqa: E402
import cpu_torchvision  # noqa: E402, F401
from lerobot.datasets.dataset_tools import delete_episodes, merge_datasets  # noqa: E402
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # noqa: E402

FPS, LENGTHS, NUMBERS, HEIGHT, WIDTH = 10, [5, 3, 6, 4], 3, 24, 32
TASKS = ["push the block", "open the drawer"]
NAMES = ["shoulder.pos", "elbow.pos", "gripper.pos"]
DELETED = 1


def numbers(episode, row):
    return np.array([episode + row / 8 + i / 64 for i in range(NUMBERS)], np.float32)


def picture(episode, row):
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    frame[..., 0] = 10 * episode + 3 * row
    frame[..., 1] = 2 * np.arange(HEIGHT)[:, None]
    frame[..., 2] = 5 * np.arange(WIDTH)[None, :]
    return frame


def record(dataset, episodes, films):
    for episode in episodes:
        for row in range(LENGTHS[episode]):
            frame = {"observation.state": numbers(episode, row), "action": -numbers(episode, row),
                     "observation.images.front": picture(episode, row),
                     "task": TASKS[episode % 2]}
            for name in films:
                large = picture(episode, row).repeat(4, 0).repeat(4, 1)
                frame[f"observation.images.{name}"] = large
            dataset.add_frame(frame)
        dataset.save_episode()
    dataset.finalize()


def write(folder, films=(), small_files=False):
    """`films` are the cameras that are films beside the one of pictures. With `small_files`, every
    episode has files of its own, two to a folder, and the last two come of a second session.
    """
    features = {
        "observation.state": {"dtype": "float32", "shape": (NUMBERS,), "names": NAMES},
        "action": {"dtype": "float32", "shape": (NUMBERS,), "names": NAMES},
        "observation.images.front": {"dtype": "image", "shape": (HEIGHT, WIDTH, 3),
                                     "names": ["height", "width", "channels"]},
    }
    for name in films:
        features[f"observation.images.{name}"] = {
            "dtype": "video", "shape": (4 * HEIGHT, 4 * WIDTH, 3),
            "names": ["height", "width", "channels"]}
    dataset = LeRobotDataset.create("local/writer", FPS, features, folder, robot_type="so101",
                                    use_videos=bool(films))
    if not small_files:
        return record(dataset, range(len(LENGTHS)), films)
    dataset.meta.update_chunk_settings(chunks_size=2, data_files_size_in_mb=1e-6,
                                       video_files_size_in_mb=1e-6)
    record(dataset, [0, 1], films)
    record(LeRobotDataset("local/writer", folder), [2, 3], films)


def write_all(folder, films=(), small_files=False):
    folder = pathlib.Path(folder)
    write(folder / "whole", films, small_files)
    whole = LeRobotDataset("local/writer", folder / "whole")
    deleted = delete_episodes(whole, [DELETED], folder / "deleted", "local/deleted")
    merge_datasets([whole, deleted], "local/merged", folder / "merged")
    # what LeRobot leaves of the pictures that it encoded
    for left in folder.glob("*/images"):
        shutil.rmtree(left)


if __name__ == "__main__":
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    write_all(sys.argv[1])
