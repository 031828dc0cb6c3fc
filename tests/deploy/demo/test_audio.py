"""The recordings are real audio, of realistic size, and the same for the same seed."""

import io
import wave
from collections.abc import Callable

import pytest

from deploy.demo import audio


def test_wave_reads_a_wav_recording() -> None:
    body = audio.wav(12, seed=7)
    with wave.open(io.BytesIO(body)) as file:
        assert file.getframerate() == 8000
        assert file.getnchannels() == 1
        assert file.getnframes() == 12 * 8000
        samples = file.readframes(file.getnframes())
    assert max(samples) > 170
    assert min(samples) < 80
    assert 90_000 < len(body) < 100_000


def test_amr_is_whole_frames() -> None:
    body = audio.amr(60, seed=7)
    assert body.startswith(b"#!AMR\n")
    frames = body[6:]
    assert len(frames) == 60 * 50 * 13
    assert set(frames[::13]) == {0x04}


@pytest.mark.parametrize("make", [audio.wav, audio.amr])
def test_the_seed_decides(make: Callable[[int, int], bytes]) -> None:
    assert make(5, 1) == make(5, 1)
    assert make(5, 1) != make(5, 2)
