"""Opens a dataset of ours with plain h5py, the way robomimic and Isaac Lab do, and checks what they
rely on. No plugin, no package of ours.

    venv/bin/python check_with_h5py.py dataset.h5

Exits 77 without h5py.
"""

import json
import sys

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"SKIPPED: not checked with h5py: {missing}")
    sys.exit(77)


def main(path):
    with h5py.File(path, "r", swmr=True, libver="latest") as f:
        env = json.loads(f["data"].attrs["env_args"])
        assert {"env_name", "type", "env_kwargs", "env_version"} <= set(env), env
        demos = sorted(f["data"], key=lambda name: int(name[5:]))
        total = 0
        for name in demos:
            demo = f["data"][name]
            length = int(demo.attrs["num_samples"])
            total += length
            assert isinstance(demo.attrs["success"], (bool, np.bool_)), type(demo.attrs["success"])
            assert isinstance(demo.attrs["model_file"], str)
            assert demo["actions"].shape[0] == length and demo["actions"].dtype == np.float64
            assert np.abs(demo["actions"][:]).max() <= 1
            assert demo["actions_abs"].shape[1] % 8 == 0
            assert demo["states"].shape[0] == length
            assert demo["dones"][-1] == 1 and demo["dones"][:-1].sum() == 0
            quat = demo["obs/robot0_eef_quat"][:]
            np.testing.assert_allclose(np.linalg.norm(quat, axis=1), 1)
            # MimicGen's matrices agree with the observed pose
            pose = demo["datagen_info/eef_pose"][:] if "eef_pose" in demo["datagen_info"] and \
                isinstance(demo["datagen_info/eef_pose"], h5py.Dataset) else None
            if pose is not None:
                np.testing.assert_array_equal(pose[:, :3, 3], demo["obs/robot0_eef_pos"][:])
                x, y, z, w = quat.T
                np.testing.assert_allclose(pose[:, 0, 0], 1 - 2 * (y * y + z * z), atol=1e-12)
                np.testing.assert_allclose(pose[:, 1, 0], 2 * (x * y + z * w), atol=1e-12)
            for key, item in demo["obs"].items():
                assert item.shape[0] == length, key
                if key.endswith("_image"):
                    assert item.dtype == np.uint8 and item.shape[3] == 3
                    assert item.chunks == (1,) + item.shape[1:] and item.compression == "gzip"
                    item[:]  # every frame inflates
            assert len(json.loads(demo["understudy"].attrs["column_hashes"])) > 20
        assert total == f["data"].attrs["total"]
        for key in f.get("mask", {}):
            assert all(n.decode() in demos for n in f["mask"][key][:]), key
        print(f"{path}: {len(demos)} demos, {total} steps, fine for h5py {h5py.__version__}")


if __name__ == "__main__":
    main(sys.argv[1])
