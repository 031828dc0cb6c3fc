"""What kind of audio a recording is, by its first bytes; its name and declared type may lie."""

SNIFF_BYTES = 64
UNKNOWN = "application/octet-stream"


def content_type(head: bytes) -> str:
    """The media type of a file that begins with `head`, of which `SNIFF_BYTES` are enough."""
    if head.startswith(b"#!AMR-WB"):
        return "audio/amr-wb"
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head[4:8] == b"ftyp":
        return {b"3gp": "audio/3gpp", b"3g2": "audio/3gpp2"}.get(head[8:11], "audio/mp4")
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    return _of_frame(head)


def _of_frame(head: bytes) -> str:
    """By the sync word of an MPEG frame: layer 0 is AAC in ADTS, the others are MP1 to MP3."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return UNKNOWN
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/mpeg" if head[1] & 0x06 else UNKNOWN
