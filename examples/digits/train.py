"""Trains, quantises and stores the digits example: ``python -m examples.digits.train``.

The data are the handwritten digits that scikit-learn bundles (E. Alpaydin and C. Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, 1998): 1,797 pictures of 8x8 pixels with grey levels 0 to 16.
One fifth is held out as the test set, drawn with a fixed seed and an equal share of every digit. Training needs the
optional packages of the extra ``train`` (torch, scikit-learn); the files it writes are committed, so nothing else does:

``digits.onnx``   the network, int8 QDQ: signed activations, signed weights per output channel
``samples.npz``   the test pictures under the network's input name, float32 (samples, 1, 8, 8)
``labels.npy``    the digit of each test picture
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from examples.digits.network import INPUT, model_of, quantise

GREY_LEVELS = 16.0
SEED = 2026


@dataclass(frozen=True)
class Split:
    """Pictures as float32 (samples, 1, 8, 8) in grey levels 0 to 16, and their digits."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def load() -> Split:
    """The digits, one fifth of them held out."""
    digits = load_digits()
    pictures = digits.images.astype(np.float32)[:, None]
    train, test, train_labels, test_labels = train_test_split(
        pictures, digits.target, test_size=0.2, random_state=SEED, stratify=digits.target
    )
    return Split(train, train_labels, test, test_labels)


def network() -> nn.Sequential:
    """1x8x8 -> conv 3x3, 8 -> conv 3x3 stride 2, 16 -> max pool 2x2 -> 64 -> 10; 1,898 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def shifted(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each picture moved by -1, 0 or 1 pixel in both directions, with zeros coming in."""
    padded = nn.functional.pad(pictures, (1, 1, 1, 1))
    moves = torch.randint(0, 3, (len(pictures), 2), generator=generator)
    return torch.stack(
        [
            picture[:, y : y + 8, x : x + 8]
            for picture, (y, x) in zip(padded, moves.tolist(), strict=True)
        ]
    )


def train(split: Split, epochs: int) -> nn.Sequential:
    """Trains with Adam and a cosine schedule, half of every batch shifted; the same result for the same seed."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(SEED)
    model = network()
    pictures = torch.from_numpy(split.train) / GREY_LEVELS
    labels = torch.from_numpy(split.train_labels)
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        order = torch.randperm(len(pictures), generator=generator)
        total = 0.0
        for batch in order.split(64):
            half = len(batch) // 2
            images = torch.cat([pictures[batch[:half]], shifted(pictures[batch[half:]], generator)])
            loss = nn.functional.cross_entropy(model(images), labels[batch], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(batch)
        schedule.step()
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1:3d} of {epochs}: loss {total / len(pictures):.4f}")
    return model.eval()


def exported(model: nn.Sequential) -> onnx.ModelProto:
    """The trained network as float ONNX; the scale of the grey levels goes into the first weights."""
    first, second, dense = model[0], model[2], model[6]
    arrays = {
        "conv1_weight": first.weight.detach().numpy() / np.float32(GREY_LEVELS),
        "conv1_bias": first.bias.detach().numpy(),
        "conv2_weight": second.weight.detach().numpy(),
        "conv2_bias": second.bias.detach().numpy(),
        "dense_weight": dense.weight.detach().numpy(),
        "dense_bias": dense.bias.detach().numpy(),
    }
    proto = model_of(arrays)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def accuracy(path: Path, pictures: np.ndarray, labels: np.ndarray) -> float:
    """The share of pictures whose highest score is their digit, in ONNX Runtime's default session."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {INPUT: picture[None]})[0].argmax() for picture in pictures]
    return float(np.mean(np.array(answers) == labels))


def main() -> None:
    """Trains the network and writes the example's three files beside this one."""
    parser = argparse.ArgumentParser(description="Trains and quantises the digits example.")
    parser.add_argument("--epochs", type=int, default=160)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    split = load()
    model = train(split, options.epochs)
    network = exported(model)
    quantise(network, options.output / "digits.onnx", split.train[:512])
    with tempfile.TemporaryDirectory() as folder:
        float_path = Path(folder) / "digits_float.onnx"
        onnx.save(network, float_path)
        print(f"float accuracy {accuracy(float_path, split.test, split.test_labels):.4f}")
    int8 = accuracy(options.output / "digits.onnx", split.test, split.test_labels)
    print(f"int8 accuracy  {int8:.4f} on {len(split.test)} test pictures")
    pictures: dict[str, Any] = {INPUT: split.test}
    np.savez_compressed(options.output / "samples.npz", **pictures)
    np.save(options.output / "labels.npy", split.test_labels.astype(np.uint8))


if __name__ == "__main__":
    main()
