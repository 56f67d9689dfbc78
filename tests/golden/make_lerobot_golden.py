"""Writes two small LeRobot datasets as other programs write them, with pyarrow and ffmpeg alone.

    python3 tests/golden/make_lerobot_golden.py tests/golden

lerobot_v21: GR00T's flavour (codebase v2.0 names, float fps, lists without a fixed size, float64).
lerobot_v30: as LeRobot 0.4 does (two episodes in one Parquet file and one film, pandas' tasks).
Row k of episode e holds action[i] = e + k / 8 + i / 64 and state[i] = -that; pictures are grey,
of 40 + 60 e + 12 k. lerobot_v21 has PNG pictures of colour (10 k, 255 - k, e) in its Parquet files
too. Written with pyarrow 26.0.1 and ffmpeg 5.1.9.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LENGTHS, FPS, WIDTH, HEIGHT, ACTION, STATE = [4, 6], 10, 64, 48, 3, 5
TASKS = ["push the block", "open the drawer"]


def numbers(episode, row, count, sign=1):
    return [sign * (episode + row / 8 + i / 64) for i in range(count)]


def film(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = b"".join(bytes([40 + 60 * e + 12 * k]) * (WIDTH * HEIGHT * 3) for e, k in frames)
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                    "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-", "-c:v", "libx264",
                    "-pix_fmt", "yuv420p", "-g", "2", "-crf", "10", "-fflags", "+bitexact",
                    "-flags:v", "+bitexact", str(path)], input=raw, check=True)


def png(colour):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes(colour) * WIDTH) * HEIGHT
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=4) + "\n")


def write_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def features(dtype, extra):
    scalar = {"dtype": "int64", "shape": [1], "names": None}
    return {
        "observation.state": {"dtype": dtype, "shape": [STATE],
                              "names": {"motors": [f"m{i}" for i in range(STATE)]}},
        "action": {"dtype": dtype, "shape": [ACTION], "names": None},
        "observation.images.front": {"dtype": "video", "shape": [HEIGHT, WIDTH, 3],
                                     "names": ["height", "width", "channel"],
                                     "video_info": {"video.fps": float(FPS),
                                                    "video.codec": "h264"}},
        "timestamp": {"dtype": dtype, "shape": [1], "names": None},
        "episode_index": scalar, "index": scalar, "task_index": scalar, **extra,
    }


def v21(root):
    index, episodes = 0, []
    for e, length in enumerate(LENGTHS):
        rows = range(length)
        table = pa.table({
            "observation.state": pa.array([numbers(e, k, STATE, -1) for k in rows],
                                          pa.list_(pa.float64())),
            "action": pa.array([numbers(e, k, ACTION) for k in rows], pa.list_(pa.float64())),
            "observation.images.wrist": pa.array(
                [{"bytes": png((10 * k, 255 - k, e)), "path": f"frame_{k:06d}.png"} for k in rows],
                pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "timestamp": pa.array([k / FPS for k in rows], pa.float64()),
            "annotation.human.validity": pa.array([1] * length, pa.int64()),
            "task_index": pa.array([e] * length, pa.int64()),
            "episode_index": pa.array([e] * length, pa.int64()),
            "index": pa.array([index + k for k in rows], pa.int64()),
            "next.reward": pa.array([float(k + 1 == length) for k in rows], pa.float64()),
            "next.done": pa.array([k + 1 == length for k in rows], pa.bool_()),
        })
        path = root / f"data/chunk-000/episode_{e:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        film(root / f"videos/chunk-000/observation.images.front/episode_{e:06d}.mp4",
             [(e, k) for k in rows])
        episodes.append({"episode_index": e, "tasks": [TASKS[e], "valid"], "length": length})
        index += length
    write_json(root / "meta/info.json", {
        "codebase_version": "v2.0", "robot_type": "GR1ArmsOnly", "total_episodes": 2,
        "total_frames": index, "total_tasks": 2, "total_videos": 2, "total_chunks": 0,
        "chunks_size": 1000, "fps": float(FPS), "splits": {"train": "0:100"},
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/"
                      "episode_{episode_index:06d}.mp4",
        "features": features("float64", {
            "observation.images.wrist": {"dtype": "image", "shape": [HEIGHT, WIDTH, 3],
                                         "names": ["height", "width", "channel"]},
            "annotation.human.validity": {"dtype": "int64", "shape": [1]},
            "next.reward": {"dtype": "float64", "shape": [1]},
            "next.done": {"dtype": "bool", "shape": [1]}})})
    write_lines(root / "meta/episodes.jsonl", episodes)
    write_lines(root / "meta/tasks.jsonl",
                [{"task_index": i, "task": t} for i, t in enumerate(TASKS)])


def v30(root):
    rows = [(e, k) for e, length in enumerate(LENGTHS) for k in range(length)]
    table = pa.table({
        "observation.state": pa.array([numbers(e, k, STATE, -1) for e, k in rows],
                                      pa.list_(pa.float32(), STATE)),
        "action": pa.array([numbers(e, k, ACTION) for e, k in rows],
                           pa.list_(pa.float32(), ACTION)),
        "timestamp": pa.array([np.float32(k / FPS) for _, k in rows], pa.float32()),
        "frame_index": pa.array([k for _, k in rows], pa.int64()),
        "episode_index": pa.array([e for e, _ in rows], pa.int64()),
        "index": pa.array(range(len(rows)), pa.int64()),
        "task_index": pa.array([e for e, _ in rows], pa.int64()),
        "note": pa.array(["as it came"] * len(rows), pa.string()),
    })
    path = root / "data/chunk-000/file-000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    film(root / "videos/observation.images.front/chunk-000/file-000.mp4", rows)
    key, ends = "videos/observation.images.front", [LENGTHS[0], sum(LENGTHS)]
    begins = [0, LENGTHS[0]]
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({
        "episode_index": [0, 1], "tasks": [[TASKS[0]], [TASKS[1]]], "length": LENGTHS,
        "data/chunk_index": [0, 0], "data/file_index": [0, 0],
        "dataset_from_index": begins, "dataset_to_index": ends,
        f"{key}/chunk_index": [0, 0], f"{key}/file_index": [0, 0],
        f"{key}/from_timestamp": [b / FPS for b in begins],
        f"{key}/to_timestamp": [e / FPS for e in ends],
    }), path)
    # as pandas writes a frame whose index has no name
    tasks = pa.table({"task_index": pa.array([0, 1], pa.int64()),
                      "__index_level_0__": pa.array(TASKS, pa.large_string())})
    pandas = {"index_columns": ["__index_level_0__"], "column_indexes": [], "columns": [],
              "pandas_version": "2.3.0"}
    pq.write_table(tasks.replace_schema_metadata({"pandas": json.dumps(pandas)}),
                   root / "meta/tasks.parquet")
    write_json(root / "meta/info.json", {
        "codebase_version": "v3.0", "robot_type": None, "total_episodes": 2,
        "total_frames": len(rows), "total_tasks": 2, "chunks_size": 1000, "fps": FPS,
        "splits": {"train": "0:2"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": features("float32", {
            "frame_index": {"dtype": "int64", "shape": [1], "names": None},
            "note": {"dtype": "string", "shape": [1], "names": None}})})


if __name__ == "__main__":
    for name, write in (("lerobot_v21", v21), ("lerobot_v30", v30)):
        folder = pathlib.Path(sys.argv[1]) / name
        shutil.rmtree(folder, ignore_errors=True)
        write(folder)
