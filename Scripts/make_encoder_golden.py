#!/usr/bin/env python3
"""Makes Tests/CLIPTests/Fixtures/encoders: what transformers makes, in float32, of pixels that a formula gives.

  Scripts/.venv/bin/python Scripts/make_encoder_golden.py

Encoder tests need neither pictures nor preprocessing so. Run Scripts/make_fixture_models.py first.
"""

from pathlib import Path

import numpy as np
import torch
from seeded_clip import float_list, write_json
from transformers import CLIPModel

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTests" / "Fixtures"


def pixels(picture, side):
    """[3, side, side], every value an exact multiple of 1/256 from -2 up."""
    index = np.arange(3 * side * side, dtype=np.int64)
    values = ((index * 7919 + picture * 104729) % 1009).astype(np.float32) / 256 - 2
    return torch.from_numpy(values.reshape(3, side, side))


def main():
    torch.set_num_threads(1)
    (FIXTURES / "encoders").mkdir(exist_ok=True)
    for folder in sorted((FIXTURES / "models").iterdir()):
        model = CLIPModel.from_pretrained(str(folder), dtype=torch.float32).eval()
        side = model.config.vision_config.image_size
        batch = torch.stack([pixels(picture, side) for picture in range(3)])
        with torch.inference_mode():
            embeddings = model.get_image_features(pixel_values=batch).pooler_output
        write_json(FIXTURES / "encoders" / f"{folder.name}.json", [float_list(row) for row in embeddings])


main()
