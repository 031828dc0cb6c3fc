"""A certificate of our own for 127.0.0.1, made by the command openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Certificate and key, as files; skips the test where there is no openssl."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("the command openssl, which makes a certificate, is not installed")
    cert, key = folder / "cert.pem", folder / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([openssl, "req", *kind, *name, *files], check=True, capture_output=True)
    return cert, key
