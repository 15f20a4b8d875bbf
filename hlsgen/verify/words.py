"""Tensors as words of a stream and back: the one place that knows the order of elements in a word."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.port import Port


def pack(port: Port, samples: np.ndarray) -> bytes:
    """Samples (N, *tensor_shape), integers, as raw words of the port."""
    return pack_stream(port.to_stream(samples), port.element, port.lanes)


def unpack(port: Port, raw: bytes, samples: int) -> np.ndarray:
    """Raw words of ``samples`` samples as integers (N, *tensor_shape), int64."""
    stream = unpack_stream(raw, samples, port.stream_shape, port.element, port.lanes)
    return port.to_tensor(stream)


def pack_stream(stream: np.ndarray, element: ElementType, lanes: int) -> bytes:
    """(N, H, W, C) as raw words of ``lanes`` channels; the last word of a pixel is filled up with zeros."""
    pad = -stream.shape[-1] % lanes
    padded = np.pad(stream, ((0, 0), (0, 0), (0, 0), (0, pad)))
    return element.to_bytes(padded).tobytes()


def unpack_stream(
    raw: bytes,
    samples: int,
    shape: tuple[int, int, int],
    element: ElementType,
    lanes: int,
    pitch: int | None = None,
) -> np.ndarray:
    """Raw words as (N, H, W, C), int64; what lies beyond an element's bits or a pixel's channels is dropped.

    ``pitch`` is the distance of neighbouring elements in bits: whole bytes unless given, as on the ports.
    """
    height, width, channels = shape
    distance = 8 * element.bytes if pitch is None else pitch
    words = np.frombuffer(raw, np.uint8).reshape((-1, -(-lanes * distance // 8)))
    bits = np.unpackbits(words, axis=1, bitorder="little")[:, : lanes * distance]
    weights = np.left_shift(np.int64(1), np.arange(element.bits, dtype=np.int64))
    values = element.decode(bits.reshape((-1, lanes, distance))[..., : element.bits] @ weights)
    filled = -(-channels // lanes) * lanes
    stream: np.ndarray = values.reshape((samples, height, width, filled))[..., :channels]
    return stream
