"""Imported before robomimic or LeRobot: lets the package index's torchvision, which is built for
CUDA, be imported beside a torch without it. Its own operators then do not load, and nothing here
needs them; but it asks for two by name.
"""
import sys

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[module]
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
