"""Names the format of an image by the first bytes of its file."""

import functools

from PIL import features

# Formats that Pillow decodes without a helper program or script language.
FORMATS = (
    "JPEG",
    "PNG",
    "GIF",
    "BMP",
    "WEBP",
    "TIFF",
    "PPM",
    "AVIF",
    "JPEG2000",
)

JPEG2000_CODESTREAM = b"\xff\x4f\xff\x51"
_JPEG2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG2000_CODESTREAM)
_SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    *_JPEG2000,
)
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_HEIC_NAME = "HEIC: pip install 'vqa-keras[heic]'"
_OTHERS = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"8BPS": "Photoshop",
    b"gimp xcf": "GIMP",
    b"\0\0\1\0": "ICO",
    b"\0\0\2\0": "TGA or CUR",
    b"\0\0\n\0": "TGA",
    b"icns": "ICNS",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
    b"AT&TFORM": "DjVu",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"DDS ": "DDS",
    b"v/1\1": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"PF\n": "PFM",
    b"P7\n": "PAM",
    b"qoif": "QOI",
    b"BPG\xfb": "BPG",
    b"FLIF": "FLIF",
    b"SIMPLE  =": "FITS",
    b"FUJIFILMCCD-RAW": "Fujifilm raw",
    b"IIU\0": "Panasonic raw",
    b"IIRO": "Olympus raw",
    b"IIRS": "Olympus raw",
    b"/* XPM */": "XPM",
}
_SVG_BYTES = 4096  # of the declarations and comments before <svg


def is_known(data):
    """Returns whether bytes begin as a file of a format that is decoded."""
    return data.startswith(_SIGNATURES) or bool(_brands(data) & (_AVIF | _HEIC))


def formats_of(data):
    """Returns the names of Pillow's formats with which to open bytes.

    Registers the reader of HEIC with Pillow, where the bytes need it.
    """
    brands = _brands(data)
    if brands & _HEIC and not brands & _AVIF and _register_heic():
        return ("HEIF",)
    return FORMATS


def unsupported_format(data):
    """Returns the name of an image format that is not decoded.

    Args:
        data: bytes of a file that Pillow does not open with `formats_of`.

    Returns:
        str, or None if the bytes are of a supported format or no image.
    """
    for signature, name in _OTHERS.items():
        if data.startswith(signature):
            return name
    brands = _brands(data)
    if brands & _AVIF:
        return None if features.check("avif") else "AVIF: this Pillow lacks it"
    if brands & _HEIC:
        return None if _register_heic() else _HEIC_NAME
    if data.startswith(_JPEG2000):
        built = features.check("jpg_2000")
        return None if built else "JPEG 2000: this Pillow lacks it"
    if b"crx " in brands:
        return "Canon raw"
    if data[128:132] == b"DICM":
        return "DICOM"
    return "SVG" if _is_svg(data) else None


def _brands(data):
    """Returns the brands of an ISO media file: its own and compatible ones."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[i : i + 4] for i in range(16, end, 4))}


def _is_svg(data):
    start = data[:_SVG_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<?xml", b"<!--", b"<!doctype svg")):
        return b"<svg" in start and b"<html" not in start
    return start.startswith(b"<svg")


@functools.cache
def _register_heic():
    """Registers pillow-heif with Pillow; returns whether it is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    # Thumbnails and depth maps beside the image are not decoded.
    pillow_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False
    )
    return True
