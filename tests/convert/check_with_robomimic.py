"""Opens one of our datasets, as it is, with robomimic's own loader and compares every row.

    python3 tests/convert/check_with_robomimic.py looks.h5 [filter key]

Last run with robomimic 0.3.0. Exits 77 where it is missing.
"""
import sys

try:
    import h5py
    import numpy as np
    import robomimic.utils.obs_utils as obs_utils
    from robomimic.utils.dataset import SequenceDataset
except ImportError as missing:
    print(f"not checked: {missing}")
    sys.exit(77)

path, key = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
file = h5py.File(path, "r", swmr=True, libver="latest")   # as robomimic opens it
first = file["data"][sorted(file["data"])[0]]
low_dim = ["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"]
images = [name for name in first["obs"] if name.endswith("_image")]
obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": low_dim, "rgb": images}})
dataset = SequenceDataset(path, obs_keys=low_dim + images,
                          dataset_keys=("actions", "rewards", "dones"), seq_length=1,
                          frame_stack=1, hdf5_cache_mode=None, load_next_obs=False,
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
    for obs in low_dim + images:
        np.testing.assert_array_equal(item["obs"][obs][0], demo["obs"][obs][row])
print(f"{len(demos)} episodes, {len(rows)} rows, {len(images)} cameras: equal")
