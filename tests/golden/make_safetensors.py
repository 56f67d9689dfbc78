"""Writes safetensors_reference.safetensors with the Python package, for safetensors_test.cc.

Needs: pip install safetensors numpy
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

tensors = {
    "encoder.weight": np.arange(12, dtype=np.float32).reshape(3, 4) / 8,
    "encoder.bias": np.array([-1.5, 0.0, 2.25], dtype=np.float32),
    "moments": np.array([[1e-300, -2.5]], dtype=np.float64),
    "half": np.array([0.5, -2.0, 65504.0], dtype=np.float16),
    "steps": np.array(1234567890123, dtype=np.int64),
    "mask": np.array([1, 0, 255], dtype=np.uint8),
    "flags": np.array([True, False], dtype=np.bool_),
    "empty": np.zeros((0, 3), dtype=np.float32),
}
path = pathlib.Path(__file__).parent / "safetensors_reference.safetensors"
save_file(tensors, path, metadata={"format": "np", "note": "gold \u00e9"})
