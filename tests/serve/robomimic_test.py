"""robomimic trains on what `data convert` writes, and its policy acts here, by the commands of
docs/with_robomimic.md and docs/with_isaaclab.md in a small size. What the policy saw and did over the
wire is, to rounding, what stands in the rollouts when they are converted back to that format.

    python3 tests/serve/robomimic_test.py --program build/release/understudy --source .

Last run with robomimic 0.3.0, torch 2.13. Exits 77 where robomimic, pyzmq or msgpack-numpy is missing.
"""
import json
import pathlib
import sys
import tempfile

from their_policy import arguments, blocks, evaluate, python, run

try:
    import cpu_torchvision  # noqa: F401
    import h5py
    import msgpack_numpy  # noqa: F401
    import numpy as np
    import robomimic.utils.file_utils as FileUtils
    import zmq  # noqa: F401
except ImportError as missing:
    print(f"SKIPPED: not checked with robomimic: {missing}")
    sys.exit(77)


def follow(page, form, changes, least, most):
    """The commands of `page` in a small size; `changes` of the configuration, what an action holds."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run(program, "teleop", "--task", "stack", "--demos", 2, "--seed", 1, "--out", "g.h5",
            folder=folder)
        run(program, "data", "convert", "g.h5", "g.hdf5", "--to", form, folder=folder)

        # the page's configuration, in a small size
        config = json.loads(blocks(robomimic_page, "json")[0])
        config["observation"]["modalities"]["obs"].update(changes)
        config["train"].update(num_epochs=1, batch_size=8, output_dir=name + "/robomimic_runs")
        config["experiment"].update(epoch_every_n_steps=20,
                                    save={"enabled": True, "every_n_epochs": 1})
        config["algo"]["rnn"]["hidden_dim"] = 32
        config["algo"]["gmm"]["num_modes"] = 1  # of several, one is drawn by lot
        (folder / "bc_rnn.json").write_text(json.dumps(config))
        run(*python("robomimic.scripts.train", "--config", "bc_rnn.json"), folder=folder)
        checkpoint = next(folder.glob("robomimic_runs/*/*/models/*.pth"))

        # its policy acts here
        (folder / "map.yaml").write_text(blocks(page, "yaml")[0])
        evaluate(program, (str(source / "tools/serve_robomimic.py"), str(checkpoint)), "map.yaml",
                 "--episodes", 2, "--horizon", 25, "--save", "rollouts.h5", folder=folder)
        run(program, "data", "convert", "rollouts.h5", "rollouts.hdf5", "--to", form, folder=folder)

        # row by row: robomimic asked with what the converted rollouts hold does what was done there
        policy, _ = FileUtils.policy_from_checkpoint(ckpt_path=str(checkpoint), device="cpu")
        rows, worst = 0, 0
        with h5py.File(folder / "rollouts.hdf5") as file:
            keys = config["observation"]["modalities"]["obs"]["low_dim"]
            for demo in file["data"].values():
                seen = {key: demo[f"obs/{key}"][:].astype(np.float32) for key in keys}
                for row, done in enumerate(demo["actions"][:]):
                    policy.start_episode()
                    for moment in range(max(0, row - 9), row + 1):
                        action = policy({key: value[moment] for key, value in seen.items()})
                    worst = max(worst, np.abs(np.clip(action, least, most) - done).max())
                    rows += 1
        assert rows == 50, rows
        assert worst < 1e-3, worst
        print(f"{form}: {rows} actions over the wire are those that robomimic gives, within {worst:.1e}")


program, source = arguments()
robomimic_page = (source / "docs/with_robomimic.md").read_text()
follow(robomimic_page, "robomimic", {}, -1, 1)
isaaclab_page = (source / "docs/with_isaaclab.md").read_text()
# a step of 5 cm and 0.5 rad at most, over 0.5
box = np.array([0.1] * 3 + [1] * 4)
follow(isaaclab_page, "isaaclab",
       json.loads(blocks(isaaclab_page, "json")[0])["observation"]["modalities"]["obs"], -box, box)
