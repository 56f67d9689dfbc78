"""What LeRobot writes with its own class and tools is read by this program, and what this program
makes of it is read by LeRobot.

    python3 tests/convert/check_lerobot_writer.py build/release/understudy

LeRobotDataset writes four episodes with numbers, pictures and a film; delete_episodes and
merge_datasets make two more of them (tests/golden/make_lerobot_writer_golden.py). Each is verified,
described, learned from, converted, filtered and merged, and every number, text and picture of the
results is compared with what was written. Last run with lerobot 0.4.4, torch 2.13.0, av 18.1.0.
Exits 77 where LeRobot is missing.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
    import av
    import numpy as np
    import pyarrow.parquet as pq
    import make_lerobot_writer_golden as maker
    from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION, LeRobotDataset
    assert CODEBASE_VERSION == "v3.0", f"this LeRobot writes {CODEBASE_VERSION}"
except (ImportError, AssertionError) as missing:
    print(f"SKIPPED: not checked with LeRobot: {missing}")
    sys.exit(77)


def faults(path, folder):
    verify = [program, "data", "verify", path, "--json"]
    return json.loads(subprocess.run(verify, cwd=folder, capture_output=True).stdout)["faults"]


FILM = "observation.images.side"
program = str(pathlib.Path(sys.argv[1]).resolve())


def run(*arguments, folder, fails=0):
    result = subprocess.run([program, *map(str, arguments)], cwd=folder, capture_output=True,
                            text=True)
    assert result.returncode == fails, (arguments, result.returncode, result.stdout, result.stderr)
    return result.stdout


def frames_of(data, episode):
    """The film of an episode by PyAV: LeRobot's usual decoders are not installed everywhere."""
    place = data.root / data.meta.get_video_file_path(episode, FILM)
    begin = float(data.meta.episodes[episode][f"videos/{FILM}/from_timestamp"])
    with av.open(str(place)) as film:
        return {round((frame.time - begin) * maker.FPS): frame.to_ndarray(format="rgb24")
                for frame in film.decode(video=0)}


def check_with_lerobot(folder, episodes):
    """`episodes` are the numbers that the episodes had when they were written."""
    data = LeRobotDataset("local/check", folder)
    assert data.meta.total_episodes == len(episodes)
    assert data.features["action"]["names"] == maker.NAMES
    index = 0
    for number, episode in enumerate(episodes):
        film = frames_of(data, number)
        for row in range(maker.LENGTHS[episode]):
            item = data.hf_dataset[index]
            assert int(item["episode_index"]) == number and int(item["frame_index"]) == row
            assert data.meta.tasks.iloc[int(item["task_index"])].name == maker.TASKS[episode % 2]
            numbers, picture = maker.numbers(episode, row), maker.picture(episode, row)
            np.testing.assert_array_equal(item["observation.state"].numpy(), numbers)
            np.testing.assert_array_equal(item["action"].numpy(), -numbers)
            shown = item["observation.images.front"].numpy().transpose(1, 2, 0) * 255
            np.testing.assert_allclose(shown, picture, atol=1e-3)
            # each pixel is 4 x 4 of them in the film, which is compressed
            off = np.abs(film[row][2::4, 2::4].astype(float) - picture)
            assert off.mean(axis=(0, 1)).max() < 6, (number, row, off.mean(axis=(0, 1)))
            index += 1
    assert index == len(data), (index, len(data))


def check_v21(folder, episodes):
    """This LeRobot does not read v2.1: the files themselves."""
    tasks = {task["task_index"]: task["task"] for task in
             map(json.loads, (folder / "meta/tasks.jsonl").read_text().splitlines())}
    for number, episode in enumerate(episodes):
        table = pq.read_table(folder / f"data/chunk-000/episode_{number:06}.parquet")
        expected = np.stack([maker.numbers(episode, row) for row in range(maker.LENGTHS[episode])])
        for column, sign in (("observation.state", 1), ("action", -1)):
            np.testing.assert_array_equal(np.array(table[column].to_pylist(), "f4"),
                                          sign * expected)
        assert {tasks[i] for i in table["task_index"].to_pylist()} == {maker.TASKS[episode % 2]}
        assert (folder / f"videos/chunk-000/{FILM}/episode_{number:06}.mp4").exists()


def check(root, small_files):
    maker.write_all(root, ["side"], small_files)
    every = list(range(len(maker.LENGTHS)))
    kept = [episode for episode in every if episode != maker.DELETED]
    for name, episodes in (("whole", every), ("deleted", kept), ("merged", every + kept)):
        assert faults(name, root) == [], (name, faults(name, root))
        info = json.loads(run("data", "info", name, "--json", folder=root))
        assert info["episodes"] == len(episodes), info
        assert info["steps"] == sum(maker.LENGTHS[e] for e in episodes), info
        assert info["columns"]["action"]["names"] == maker.NAMES, info["columns"]["action"]
        assert info["columns"]["observation.state"]["role"] == "state"
        # out again, in both versions
        run("data", "convert", name, f"{name}_v30", "--to", "lerobot", folder=root)
        check_with_lerobot(root / f"{name}_v30", episodes)
        run("data", "convert", name, f"{name}_v21", "--to", "lerobot21", folder=root)
        assert faults(f"{name}_v21", root) == []
        check_v21(root / f"{name}_v21", episodes)
        run("data", "convert", f"{name}_v21", f"{name}_back", "--to", "lerobot", folder=root)
        check_with_lerobot(root / f"{name}_back", episodes)
        # edited
        condition = f"contains(instruction, '{maker.TASKS[0]}')"
        run("data", "filter", name, "--where", condition, "--out", f"{name}_filtered", folder=root)
        check_with_lerobot(root / f"{name}_filtered", [e for e in episodes if e % 2 == 0])
        # learned from
        run("train", name, "--steps", "2", "--batch", "2", "--horizon", "2", "--execute", "2",
            "--image-width", maker.WIDTH, "--image-height", maker.HEIGHT, "--save-every", "2",
            "--out", f"{name}_run", folder=root)
        report = run("evaluate", f"{name}_run", "--datasets", name, "--rows", "5", "--json",
                     folder=root)
        assert "nan" not in report.lower(), report
    run("data", "merge", "whole", "deleted", "--out", "joined", folder=root)
    check_with_lerobot(root / "joined", every + kept)


for small_files in (False, True):
    with tempfile.TemporaryDirectory() as temporary:
        check(pathlib.Path(temporary), small_files)
print("datasets of LeRobot, and what is made of them: equal")
