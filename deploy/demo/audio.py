"""Recordings with real audio in them: WAV and AMR-NB, the same bytes for the same seed."""

import io
import math
import wave
from functools import cache
from random import Random

SAMPLE_RATE = 8000
BLOCKS_A_SECOND = 5
AMR_MAGIC = b"#!AMR\n"

_BLOCK = SAMPLE_RATE // BLOCKS_A_SECOND
_PITCHES_HZ = (105, 120, 135, 190, 210, 230)
_STEPS = (1.0, 1.12, 1.26, 1.5)
_SILENCE = b"\x80" * _BLOCK

# A frame of mode 4.75 kbit/s: its table-of-contents octet, then 95 bits. Any bits are a frame that
# decodes; random ones are a quiet murmur, zeros are silence.
_AMR_FRAME = b"\x04"
_AMR_BYTES = 12
_AMR_FRAMES_A_SECOND = 50


def wav(seconds: int, seed: int) -> bytes:
    """A playable WAV file (8 kHz, 8 bit, mono: 8 kB a second) of syllables with pauses."""
    rng = Random(seed)  # noqa: S311
    pitch = rng.choice(_PITCHES_HZ)
    blocks = [
        _SILENCE if rng.random() < 0.25 else _syllable(pitch, rng.choice(_STEPS))
        for _ in range(max(1, seconds) * BLOCKS_A_SECOND)
    ]
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(b"".join(blocks))
    return target.getvalue()


@cache
def _syllable(pitch_hz: int, step: float) -> bytes:
    samples = bytearray()
    for n in range(_BLOCK):
        phase = 2 * math.pi * pitch_hz * step * n / SAMPLE_RATE
        voice = math.sin(phase) + 0.5 * math.sin(2 * phase) + 0.25 * math.sin(5 * phase)
        envelope = math.sin(math.pi * n / _BLOCK)
        samples.append(round(128 + 55 * envelope * voice))
    return bytes(samples)


def amr(seconds: int, seed: int) -> bytes:
    """A playable AMR-NB file (650 bytes a second) of murmur with pauses."""
    rng = Random(seed)  # noqa: S311
    frames: list[bytes] = []
    wanted = max(1, seconds) * _AMR_FRAMES_A_SECOND
    while len(frames) < wanted:
        syllable = [_AMR_FRAME + rng.randbytes(_AMR_BYTES) for _ in range(rng.randint(5, 12))]
        pause = [_AMR_FRAME + bytes(_AMR_BYTES)] * rng.randint(2, 8)
        frames += syllable + pause
    return AMR_MAGIC + b"".join(frames[:wanted])
