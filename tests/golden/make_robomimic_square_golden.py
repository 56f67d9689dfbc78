"""Makes robomimic_square.h5 as make_robomimic_golden.py makes robomimic_stack.h5, which says with
what packages: demonstrations of robosuite's NutAssemblySquare by a Panda, without pictures.

    MUJOCO_GL=egl venv/bin/python make_robomimic_square_golden.py robomimic_square.h5 [N] [SHIFT]

N demonstrations (3), the handle gripped SHIFT m (0) farther out than robosuite's site on it, at
which a finger only just clears the nut's wall; 0.008 is its middle. The hand sweeps over the handle
and comes down before it has stopped.
"""

import pathlib
import sys
import tempfile

import numpy as np
from make_robomimic_golden import record, script, yaw_of
from robosuite.environments.manipulation.nut_assembly import NutAssembly
from scipy.spatial.transform import Rotation

import h5py

# robomimic asks for a reward without an action, as most of robosuite's tasks allow
NutAssembly.reward.__defaults__ = (None,)
OVER_PEG, ON_PEG = 0.2, 0.05  # m of the nut above the peg's body


def demonstration(shift):
    """Over the handle, down, close, up, over the peg, down, open, up: a hand that follows its goal
    and points down."""

    def demonstrate(env):
        task = env.unwrapped
        sim, nut = task.sim, task.nuts[0]
        body, site = task.obj_body_id[nut.name], task.robots[0].eef_site_id
        handle_site = sim.model.site_name2id(nut.important_sites["handle"])
        hand = lambda: sim.data.site_xpos[site].copy()
        hand_R = lambda: sim.data.site_xmat[site].reshape(3, 3)
        nut_R = lambda: sim.data.body_xmat[body].reshape(3, 3)

        def move(goal, grip, steps, yaw, near=0.006):
            for _ in range(steps):
                x = np.array([np.cos(yaw()), np.sin(yaw()), 0])
                if x @ hand_R()[:, 0] < 0:  # grips that look alike
                    x = -x
                want = np.stack([x, np.cross([0, 0, -1], x), [0, 0, -1]], axis=1)
                turn = Rotation.from_matrix(want @ hand_R().T).as_rotvec()
                error = goal() - hand()
                env.step(np.r_[np.clip(2 * error / 0.05, -1, 1), np.clip(3 * turn, -1, 1), grip])
                if np.linalg.norm(goal() - hand()) < near and np.linalg.norm(turn) < 0.03:
                    return

        # the nut falls on the table first
        for _ in range(10):
            env.step(np.r_[np.zeros(6), -1])
        handle = sim.data.site_xpos[handle_site] + shift * nut_R()[:, 0]
        yaw = yaw_of(nut_R()) + np.pi / 2
        across = lambda: yaw
        move(lambda: handle + [0, 0, 0.08], -1, 60, across)
        move(lambda: handle, -1, 40, across)
        for _ in range(10):
            move(lambda: handle, 1, 1, across)
        lifted = hand() + [0, 0, 0.18]
        move(lambda: lifted, 1, 40, across)

        # the nut over the peg, by the nearest of the four turns that look alike
        peg = sim.data.body_xpos[task.peg1_body_id].copy()
        over = lambda z: peg + [0, 0, z] - sim.data.body_xpos[body] + hand()
        quarter = lambda: (-yaw_of(nut_R()) + np.pi / 4) % (np.pi / 2) - np.pi / 4
        square = lambda: yaw_of(hand_R()) + quarter()
        move(lambda: over(OVER_PEG), 1, 120, square, 0.003)
        yaw = square()
        move(lambda: over(ON_PEG), 1, 60, across)
        for _ in range(10):
            move(hand, -1, 1, across)
        up = hand() + [0, 0, 0.05]
        move(lambda: up, -1, 15, across)

    return demonstrate


def pack(path, output):
    """Its demonstrations, compressed."""
    with h5py.File(path) as made, h5py.File(output, "w") as f:

        def copy(name, node):
            if isinstance(node, h5py.Dataset):
                other = f.create_dataset(name, data=node[()], chunks=node.shape,
                                         compression="gzip", compression_opts=9, shuffle=True)
            else:
                other = f.require_group(name)
            for key, value in node.attrs.items():
                other.attrs[key] = value

        copy("data", made["data"])
        made["data"].visititems(lambda name, node: copy("data/" + name, node))


def main(output, demos=3, shift=0.0):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        # robosuite keeps the successes only
        record(folder, "NutAssemblySquare", demonstration(shift), 2 * demos, 21)
        script("conversion/convert_robosuite.py", "--dataset", folder / "demo.hdf5")
        script("dataset_states_to_obs.py", "--dataset", folder / "demo.hdf5", "--output_name",
               "low.hdf5", "--done_mode", "2", "--n", demos,
               "--exclude-next-obs")
        with h5py.File(folder / "low.hdf5") as made:
            assert len(made["data"]) == demos, "too few demonstrations succeed"
        pack(folder / "low.hdf5", output)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]), *map(float, sys.argv[3:4]))
