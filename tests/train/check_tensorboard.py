"""Reads the event files of a run with TensorBoard's own reader and compares them with its log.

    python3 tests/train/check_tensorboard.py understudy looks.h5

Trains twelve updates, stopped after six and resumed. Exits 77 where TensorBoard is missing
(tensorboard==2.20.0).
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    print(f"SKIPPED: not checked with TensorBoard: {missing}")
    sys.exit(77)

program = sys.argv[1]
with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    if len(sys.argv) > 2:
        data = sys.argv[2]
    else:
        data = str(folder / "looks.h5")
        for command in (["teleop", "--task", "stack", "--demos", "3", "--seed", "1", "--out",
                         str(folder / "s.h5")],
                        ["augment", str(folder / "s.h5"), "--variants", "0", "--out", data]):
            subprocess.run([program, *command, "--quiet"], check=True, capture_output=True)
    run = folder / "run"
    train = [program, "train", data, "--out", str(run), "--batch", "8", "--policy.width", "16",
             "--policy.heads", "2", "--policy.blocks", "2", "--save-every", "3", "--log-every", "1",
             "--held-out", "0.34", "--trials.episodes", "1", "--trials.horizon", "6", "--quiet"]
    subprocess.run([*train, "--steps", "6"], check=True, capture_output=True)
    # rows beyond the checkpoint from which the second part goes on count no more
    shutil.rmtree(run / "checkpoints/000006")
    subprocess.run([*train, "--steps", "12", "--resume"], check=True, capture_output=True)

    rows = json.loads((run / "log.json").read_text())["rows"]
    events = EventAccumulator(str(run / "tensorboard"), purge_orphaned_data=True)
    events.Reload()
    tags = events.Tags()["scalars"]
    for tag, key in (("loss", "loss"), ("loss/position", "position"),
                     ("gradient_norm", "gradient_norm"), ("learning_rate", "learning_rate"),
                     ("speed/samples_per_s", "samples_per_s")):
        assert tag in tags, (tag, tags)
        got = [(e.step, e.value) for e in events.Scalars(tag)]
        assert [step for step, _ in got] == [row["step"] for row in rows], (tag, got)
        for (step, value), row in zip(got, rows):
            assert abs(value - row[key]) <= 1e-6 * abs(row[key]), (tag, step, value, row[key])
    held_out = [(e.step, e.value) for e in events.Scalars("held_out/loss")]
    assert [step for step, _ in held_out] == [3, 6, 9, 12], held_out
    # a film of each trial
    films = events.Images("rollout/failure")
    assert [film.step for film in films][-2:] == [9, 12], films
    assert all((film.width, film.height) == (320, 160) for film in films), films
    assert all(film.encoded_image_string.startswith(b"GIF89a") for film in films)
    print(f"TensorBoard reads {len(tags)} curves of {len(rows)} points")
