"""Arrays as GR00T's servers pack them in msgpack: files of numpy's own."""
import io

import numpy as np


def encode_npy(value):
    file = io.BytesIO()
    np.save(file, value, allow_pickle=False)
    return {"__ndarray_class__": True, "as_npy": file.getvalue()}


def decode_npy(value):
    return np.load(io.BytesIO(value["as_npy"])) if "__ndarray_class__" in value else value
