"""Plays recorded actions in robosuite's own environment and says how far from the recording the arm
ends.

    python3 tests/convert/check_in_robosuite.py robomimic.hdf5 [--steps 5] [--limit-mm MM]

robomimic.hdf5 is what `data convert --to robomimic` (or mimicgen) wrote, of a task that robosuite
has (stack) with a robot that it has. The environment is made from the file's env_args and reset;
joints of arm, fingers and cubes are set to a row of `states`; then `steps` actions are played, and
robot0_eef_pos is compared with the row that the recording came to. Every demonstration is started
at its first row and at every 20th (--every). Every `model_file` is loaded, and the hand must begin
where the row has it. --uncoupled takes robosuite's default, `uncouple_pos_ori: true`, whatever the
file says. Last run with robosuite 1.4.1 on MuJoCo 2.3.7 and 1.5.1 on 3.2.3: docs/frames.md has the
results. Exits 77 without robosuite, or where the file is for another version.
"""
import argparse
import json
import logging
import sys

logging.disable(logging.WARNING)
try:
    import h5py
    import mujoco
    import numpy as np
    import robosuite
except ImportError as missing:
    print(f"SKIPPED: not checked in robosuite: {missing}")
    sys.exit(77)


def addresses(model):
    """qpos and dof address of every joint of a plain MjModel, by name."""
    return {model.joint(j).name: (model.jnt_qposadr[j], model.jnt_dofadr[j])
            for j in range(model.njnt)}


def controller_of(env):
    robot = env.robots[0]
    return robot.part_controllers["right"] if hasattr(robot, "part_controllers") else robot.controller


def put(env, own, state, nq):
    """Brings robosuite's arm, fingers and cubes to a row of `states`."""
    qpos, qvel = state[1:1 + nq], state[1 + nq:]
    theirs = env.sim.model
    for name, (q, v) in own.items():
        sign = 1
        if name.startswith("robot0_finger_joint"):
            prefix = env.robots[0].gripper
            prefix = prefix["right"] if isinstance(prefix, dict) else prefix
            joint = prefix.joints[int(name[-1]) - 1]
            sign = -1 if name.endswith("2") else 1
        elif name.startswith("robot0_joint"):
            joint = name
        else:
            joint = name + "_joint0"
        if joint not in theirs.joint_names:
            raise SystemExit(f"robosuite's environment has no joint {joint}")
        size = 1 if name.startswith("robot0") else 7
        env.sim.data.set_joint_qpos(joint, sign * qpos[q:q + size] if size > 1 else sign * qpos[q])
        size = 1 if size == 1 else 6
        env.sim.data.set_joint_qvel(joint, sign * qvel[v:v + size] if size > 1 else sign * qvel[v])
    env.sim.forward()
    controller = controller_of(env)
    controller.update(force=True)
    controller.reset_goal()


def hand(env):
    return env._get_observations(force_update=True)["robot0_eef_pos"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--limit-mm", type=float, default=0)
    parser.add_argument("--uncoupled", action="store_true")
    flags = parser.parse_args()
    file = h5py.File(flags.file, "r")
    env_args = json.loads(file["data"].attrs["env_args"])
    if flags.uncoupled:
        controller = env_args["env_kwargs"]["controller_configs"]
        controller = controller.get("body_parts", {"right": controller})["right"]
        controller["uncouple_pos_ori"] = True
    version = env_args["env_version"]
    if version.split(".")[:2] != robosuite.__version__.split(".")[:2]:
        print(f"SKIPPED: {flags.file} is for robosuite {version}, not {robosuite.__version__}")
        sys.exit(77)
    kwargs = dict(env_args["env_kwargs"], use_camera_obs=False, has_offscreen_renderer=False,
                  initialization_noise=None)
    name = env_args["env_name"].split("_")[0]
    env = robosuite.make(name, **kwargs)
    first, ends = [], []
    for demo in file["data"].values():
        model = mujoco.MjModel.from_xml_string(demo.attrs["model_file"])
        own, states, actions = addresses(model), demo["states"][:], demo["actions"][:]
        recorded = demo["obs/robot0_eef_pos"][:]
        for row in range(0, len(actions) - flags.steps, flags.every):
            env.reset()
            put(env, own, states[row], model.nq)
            begin = np.linalg.norm(hand(env) - recorded[row]) * 1000
            assert begin < 0.1, f"the hand begins {begin:.3f} mm away: other arm or base"
            for action in actions[row:row + flags.steps]:
                env.step(action)
            end = np.linalg.norm(hand(env) - recorded[row + flags.steps]) * 1000
            ends.append(end)
            if row == 0:
                first.append(end)

    def line(numbers):
        return (f"{min(numbers):.1f} to {max(numbers):.1f}, median {np.median(numbers):.1f} mm "
                f"({len(numbers)})")
    print(f"robosuite {robosuite.__version__}, MuJoCo {mujoco.__version__}, {flags.file}: after "
          f"{flags.steps} actions {line(first)} from the first rows, {line(ends)} from all")
    if flags.limit_mm and max(ends) > flags.limit_mm:
        sys.exit(1)


main()
