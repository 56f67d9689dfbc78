"""Reference pictures for core/image/camera_effects: what libjpeg leaves of a picture in closed form.

    python3 -m pip install pillow numpy
    python3 tests/golden/jpeg_reference.py > tests/golden/jpeg_reference.json

Made with Pillow 13.0 (libjpeg-turbo). Rows from the top, red, green, blue.
"""
import io
import json
import sys

import numpy as np
from PIL import Image

W, H = 21, 13


def picture():
    y, x = np.mgrid[:H, :W]
    red = 128 + 100 * np.sin(0.5 * x + 0.2 * y)
    green = 90 + 3 * x + 4 * y
    blue = np.where((x // 5 + y // 4) % 2, 220, 40)
    return np.clip(np.stack([red, green, blue], -1).round(), 0, 255).astype(np.uint8)


def main():
    made = picture()
    result = {"width": W, "height": H, "picture": made.flatten().tolist()}
    for quality in (5, 30, 50, 75, 95):
        file = io.BytesIO()
        Image.fromarray(made).save(file, "JPEG", quality=quality, subsampling=0)
        back = np.asarray(Image.open(file))
        result[str(quality)] = back.flatten().tolist()
    json.dump(result, sys.stdout)
    print()


main()
