"""Opens a dataset with robomimic's own loader and compares every row that it gives with the file.
Datasets of ours open as they are; what `data convert --to robomimic` (or mimicgen) writes with
--robosuite.next-obs is loaded with next_obs, and checked for being the next row's observation.

    python3 tests/convert/check_with_robomimic.py looks.h5 [filter key]

Last run with robomimic 0.3.0 (robomimic==0.3.0 torch==2.13.0 torchvision==0.28.0; where CMake is 4,
its egl_probe builds with CMAKE_POLICY_VERSION_MINIMUM=3.5). Exits 77 where it is missing.
"""
import json
import sys

try:
    import h5py
    import numpy as np
    import cpu_torchvision  # noqa: F401
    import robomimic.utils.file_utils as file_utils
    import robomimic.utils.obs_utils as obs_utils
    from robomimic.utils.dataset import SequenceDataset
except ImportError as missing:
    print(f"SKIPPED: not checked with robomimic: {missing}")
    sys.exit(77)

path, key = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
file = h5py.File(path, "r", swmr=True, libver="latest")   # as robomimic opens it
first = file["data"][sorted(file["data"])[0]]
next_obs = "next_obs" in first
low_dim = ["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"]
if next_obs:
    low_dim.append("object")
images = [name for name in first["obs"] if name.endswith("_image")]
obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": low_dim, "rgb": images}})

# what robomimic makes an environment from
env = file_utils.get_env_metadata_from_dataset(path)
assert env["type"] == 1 and env["env_kwargs"]["control_freq"] > 0, env
shapes = file_utils.get_shape_metadata_from_dataset(path, all_obs_keys=low_dim + images)
assert shapes["ac_dim"] == first["actions"].shape[1], shapes
assert shapes["use_images"] == bool(images), shapes

dataset = SequenceDataset(path, obs_keys=low_dim + images,
                          dataset_keys=("actions", "rewards", "dones"), seq_length=1,
                          frame_stack=1, hdf5_cache_mode=None, load_next_obs=next_obs,
                          filter_by_attribute=key)
if key is None:
    demos = sorted(file["data"], key=lambda name: int(name[5:]))
else:
    demos = sorted((n.decode() for n in file[f"mask/{key}"][:]), key=lambda name: int(name[5:]))
rows = [(name, row) for name in demos for row in range(int(file["data"][name].attrs["num_samples"]))]
assert len(dataset) == len(rows), (len(dataset), len(rows))
for index, (name, row) in enumerate(rows):
    item, demo = dataset[index], file["data"][name]
    np.testing.assert_array_equal(item["actions"][0], demo["actions"][row])
    np.testing.assert_array_equal(item["rewards"][0], demo["rewards"][row])
    for obs in low_dim + images:
        np.testing.assert_array_equal(item["obs"][obs][0], demo["obs"][obs][row])
        if next_obs:
            np.testing.assert_array_equal(item["next_obs"][obs][0], demo["next_obs"][obs][row])
            if row + 1 < int(demo.attrs["num_samples"]):
                np.testing.assert_array_equal(item["next_obs"][obs][0], demo["obs"][obs][row + 1])
print(f"{len(demos)} episodes, {len(rows)} rows, {len(images)} cameras"
      f"{', with next_obs' if next_obs else ''}: equal")
