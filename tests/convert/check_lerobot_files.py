"""Reads what `data convert --to lerobot` (or lerobot21) wrote with pyarrow and ffprobe alone, and
checks it against the HDF5 file it is from: every row's number, time and action, every film's size,
and that each of its pictures has the time of its row.

    python3 tests/convert/check_lerobot_files.py own.h5 folder...

Last run with pyarrow 26.0.1 and ffprobe 5.1.9. Exits 77 where pyarrow, h5py or ffprobe is missing.
"""
import fractions
import json
import pathlib
import shutil
import subprocess
import sys

try:
    import h5py
    import numpy as np
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"SKIPPED: not checked with pyarrow: {missing}")
    sys.exit(77)
if shutil.which("ffprobe") is None:
    print("SKIPPED: not checked with ffprobe: it is not installed")
    sys.exit(77)

file = h5py.File(sys.argv[1], "r")
demos = [file["data"][n] for n in sorted(file["data"], key=lambda name: int(name[5:]))]
lengths = [len(demo["actions"]) for demo in demos]
height, width = demos[0]["obs/agentview_image"].shape[1:3]


def times(film):
    """Exact times of a film's pictures, and its stream."""
    told = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
         "stream=codec_name,width,height,time_base:frame=pts", "-of", "json", str(film)],
        check=True, capture_output=True).stdout)
    stream = told["streams"][0]
    base = fractions.Fraction(stream["time_base"])
    return [frame["pts"] * base for frame in told["frames"]], stream


for root in map(pathlib.Path, sys.argv[2:]):
    info = json.loads((root / "meta/info.json").read_text())
    fps = info["fps"]
    rows = [row for part in sorted(root.glob("data/*/*.parquet"))
            for row in pq.read_table(part).to_pylist()]
    assert len(rows) == sum(lengths) == info["total_frames"], root
    at = 0
    for number, demo in enumerate(demos):
        for k in range(lengths[number]):
            row = rows[at]
            assert (row["episode_index"], row["frame_index"], row["index"]) == (number, k, at), row
            assert row["timestamp"] == np.float32(k / fps), row
            np.testing.assert_array_equal(np.float32(row["action"]), np.float32(demo["actions"][k]))
            np.testing.assert_array_equal(row["next.done"], k + 1 == lengths[number])
            at += 1
    cameras = {key for key, feature in info["features"].items() if feature["dtype"] == "video"}
    assert len(cameras) == sum(name.endswith("_image") for name in demos[0]["obs"]), cameras
    for camera in cameras:
        pictures = []
        films = sorted(film for film in root.glob("videos/**/*.mp4") if camera in film.parts)
        for film in films:
            shown, stream = times(film)
            assert (stream["width"], stream["height"]) == (width, height), (film, stream)
            # a film begins at 0, and its pictures are one row apart, exactly
            assert shown == [fractions.Fraction(k, fps) for k in range(len(shown))], (film, shown)
            pictures.append(len(shown))
        assert sum(pictures) == sum(lengths), (camera, pictures)
        if info["codebase_version"] == "v2.1":
            assert pictures == lengths, (camera, pictures)
    print(f"{root.name}: {len(rows)} rows, films of {len(cameras)} cameras: equal")
