"""LeRobot trains on what `data convert` writes, and its policy acts here, by the commands of
docs/with_lerobot.md in a small size. What the policy saw and did over the wire is, to rounding, what
stands in the rollouts when they are converted to LeRobot's format and rendered.

    python3 tests/serve/lerobot_test.py --program build/release/understudy --source .

Last run with lerobot 0.4.4, torch 2.13. Exits 77 where lerobot, pyzmq or msgpack-numpy is missing.
"""
import pathlib
import shlex
import sys
import tempfile

from their_policy import arguments, blocks, evaluate, here, python, run

sys.path.append(str(here.parent.parent / "tools"))
try:
    import cpu_torchvision  # noqa: F401
    import h5py
    import msgpack_numpy  # noqa: F401
    import numpy as np
    import pyarrow.parquet as parquet
    import zmq  # noqa: F401
    from serve_lerobot import Served
except ImportError as missing:
    print(f"SKIPPED: not checked with LeRobot: {missing}")
    sys.exit(77)

program, source = arguments()
page = (source / "docs/with_lerobot.md").read_text()
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    run(program, "teleop", "--task", "stack", "--demos", 2, "--seed", 1, "--out", "s.h5",
        folder=folder)
    run(program, "augment", "s.h5", "--variants", 0, "--out", "looks.h5", folder=folder)
    run(program, "data", "convert", "looks.h5", "stack", "--to", "lerobot", folder=folder)

    # the page's training, in a small size
    flags = [word for word in shlex.split(blocks(page, "sh")[1])[1:]
             if not word.startswith(("--batch_size", "--steps"))]
    run(*python("lerobot.scripts.lerobot_train", *flags, "--batch_size=2", "--steps=2",
                "--num_workers=0", "--dataset.video_backend=pyav", "--policy.chunk_size=4", "--policy.n_action_steps=4",
                "--policy.dim_model=64", "--policy.pretrained_backbone_weights=null",
                "--policy.n_heads=2", "--policy.dim_feedforward=64"),
        folder=folder)
    checkpoint = str(folder / "outputs/act/checkpoints/last/pretrained_model")

    # its policy acts here
    (folder / "lerobot.yaml").write_text(blocks(page, "yaml")[0])
    evaluate(program, (str(source / "tools/serve_lerobot.py"), checkpoint), "lerobot.yaml",
             "--episodes", 2, "--horizon", 12, "--save", "rollouts.h5", folder=folder)
    run(program, "augment", "rollouts.h5", "--variants", 0, "--no-successes-only",
        "--out", "seen.h5", folder=folder)
    run(program, "data", "convert", "seen.h5", "rollouts", "--to", "lerobot", folder=folder)

    # row by row: LeRobot asked with what the rollouts hold does what was done there
    table = parquet.read_table(next(folder.glob("rollouts/data/*/*.parquet"))).to_pydict()
    pictures = {camera: [] for camera in ("agentview", "robot0_eye_in_hand")}
    with h5py.File(folder / "seen.h5") as file:
        for demo in sorted(file["data"], key=lambda demo: int(demo.split("_")[1])):
            for camera, frames in pictures.items():
                frames.extend(file[f"data/{demo}/obs/{camera}_image"][:])
    served, worst = Served(checkpoint), 0
    for row, done in enumerate(table["action"]):
        answer = served.act({
            "video": {camera: frames[row][None, None] for camera, frames in pictures.items()},
            "state": {"observation.state": np.array(table["observation.state"][row])[None, None]},
            "language": {"task": [["stack the red cube on the green cube"]]}})
        worst = max(worst, np.abs(np.clip(answer["action"][0, 0], -1, 1) - done).max())
    assert len(table["action"]) == 24
    assert worst < 1e-4, worst
    print(f"LeRobot: {len(table['action'])} actions over the wire are those that it gives, "
          f"within {worst:.1e}")
