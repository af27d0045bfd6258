"""Binary formats that are no PyTorch model: how they are known, what they are called, and what to do with them.

Loaded only when the bytes are none of ours, so that the table costs nothing on a healthy file.
"""

import zlib

from modeldoctor.detect import HEAD_BYTES, Sniffed
from modeldoctor.storage import Source

_UNPACK = "unpack it and check what is inside: torch.load can't open it"
_WRONG_FILE = "this is not a model: find out what wrote it there, and put the model in its place"
_ONNX = Sniffed("onnx", "ONNX model", "load it with onnxruntime: torch.load can't open it")
_COREML = "load it with coremltools on macOS, or export from the PyTorch model again"
_TENSORFLOW = "load it with TensorFlow, or convert the weights to PyTorch"
_KERAS = "load it with keras, or convert the weights to PyTorch"
_GGUF = "load it with llama.cpp, or with transformers and its `gguf_file` argument"
_NUMPY = "load it with `numpy.load`: torch.load can't open it"
_TENSORRT = "load it with the TensorRT release and on the GPU type that built it"
_JOBLIB = "load it with `joblib.load`, or decompress it: torch.load can't open it"
_TABLE = "this is a data set, no model: read it with pandas or pyarrow"

# (offset, bytes, format, title, advice); the first that fits wins, so longer marks stand before shorter ones.
SIGNATURES: tuple[tuple[int, bytes, str, str, str], ...] = (
    (0, b"GGUF", "gguf", "GGUF model (llama.cpp)", _GGUF),
    # llama.cpp before August 2023: ggml, ggmf, ggjt and ggla as little-endian words.
    (0, b"lmgg", "ggml", "GGML model (llama.cpp before GGUF)", "convert it to GGUF and load it with llama.cpp"),
    (0, b"fmgg", "ggml", "GGML model (llama.cpp before GGUF)", "convert it to GGUF and load it with llama.cpp"),
    (0, b"tjgg", "ggml", "GGML model (llama.cpp before GGUF)", "convert it to GGUF and load it with llama.cpp"),
    (0, b"algg", "ggml", "GGML adapter (llama.cpp before GGUF)", "convert it to GGUF and load it with llama.cpp"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5", "HDF5 file (Keras or others)", _KERAS),
    (0, b"\x93NUMPY", "numpy", "NumPy array (.npy)", _NUMPY),
    (4, b"TFL3", "tflite", "TensorFlow Lite model", "load it with the TensorFlow Lite (LiteRT) interpreter"),
    (0, b"ftrt", "tensorrt", "TensorRT engine", _TENSORRT),
    (0, b"ptrt", "tensorrt", "TensorRT engine", _TENSORRT),
    (0, b"RKNN", "rknn", "Rockchip RKNN model", "load it with the RKNN runtime"),
    (0, b"\x12\x01\0\0\0\0\0\0", "mxnet", "MXNet parameters", "load it with MXNet, or convert the weights to PyTorch"),
    (0, b"7767517\n", "ncnn", "ncnn network description (.param)", "load it with ncnn, together with its .bin file"),
    # Torch7 File.lua: type 4 (torch object), index 1, version string `V 1`.
    (
        0,
        b"\4\0\0\0\1\0\0\0\3\0\0\0V 1",
        "torch7",
        "Lua Torch7 object (.t7)",
        "convert it: torch has not read .t7 since 1.0",
    ),
    (0, b"7z\xbc\xaf'\x1c", "7z", "7-Zip archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "rar", "RAR archive", _UNPACK),
    (0, b"\x1f\x8b", "gzip", "gzip-compressed file", "decompress it with `gunzip`: torch.load can't open it"),
    (0, b"BZh", "bzip2", "bzip2-compressed file", "decompress it with `bunzip2`: torch.load can't open it"),
    (0, b"\xfd7zXZ\0", "xz", "xz-compressed file", "decompress it with `unxz`: torch.load can't open it"),
    (0, b"(\xb5/\xfd", "zstd", "Zstandard-compressed file", "decompress it with `unzstd` and check the result"),
    (0, b"\x04\x22\x4d\x18", "lz4", "LZ4-compressed file", "decompress it with `unlz4` and check the result"),
    (0, b"\x1f\x9d", "compress", "Unix-compressed file (.Z)", "decompress it with `uncompress` and check the result"),
    (0, b"MSCF", "cab", "Windows cabinet", _UNPACK),
    (0, b"!<arch>\n", "ar", "ar archive (static library or Debian package)", _UNPACK),
    (0, b"\x89PNG\r\n\x1a\n", "image", "PNG image", _WRONG_FILE),
    (0, b"\xff\xd8\xff", "image", "JPEG image", _WRONG_FILE),
    (0, b"GIF87a", "image", "GIF image", _WRONG_FILE),
    (0, b"GIF89a", "image", "GIF image", _WRONG_FILE),
    (8, b"WEBP", "image", "WebP image", _WRONG_FILE),
    (0, b"II*\0", "image", "TIFF image", _WRONG_FILE),
    (0, b"MM\0*", "image", "TIFF image", _WRONG_FILE),
    (8, b"WAVE", "audio", "WAV sound", _WRONG_FILE),
    (0, b"fLaC", "audio", "FLAC sound", _WRONG_FILE),
    (0, b"OggS", "audio", "Ogg sound", _WRONG_FILE),
    (0, b"ID3", "audio", "MP3 sound", _WRONG_FILE),
    (4, b"ftyp", "video", "MP4 or QuickTime film", _WRONG_FILE),
    (0, b"\x1aE\xdf\xa3", "video", "Matroska or WebM film", _WRONG_FILE),
    (0, b"%PDF-", "pdf", "PDF document", _WRONG_FILE),
    (0, b"SQLite format 3\0", "sqlite", "SQLite database", _WRONG_FILE),
    (0, b"PAR1", "table", "Parquet table", _TABLE),
    (0, b"ARROW1", "table", "Arrow table", _TABLE),
    (0, b"FEA1", "table", "Feather table", _TABLE),
    (0, b"MATLAB 5.0", "matlab", "MATLAB data (.mat)", "load it with `scipy.io.loadmat`: torch.load can't open it"),
    (0, b"\x7fELF", "program", "ELF program or shared library", _WRONG_FILE),
    (0, b"\xcf\xfa\xed\xfe", "program", "Mach-O program or shared library", _WRONG_FILE),
    (0, b"\xca\xfe\xba\xbe", "program", "Java class or Mach-O program", _WRONG_FILE),
    (0, b"\0asm", "program", "WebAssembly program", _WRONG_FILE),
    (0, b"dex\n", "program", "Android program (.dex)", _WRONG_FILE),
    (1, b"\r\r\n", "program", "compiled Python (.pyc)", _WRONG_FILE),
    # RFC 1740: what macOS puts beside a file on disks and in archives that know no attributes (`._model.pt`).
    (
        0,
        b"\0\5\x16\7",
        "appledouble",
        "macOS attributes of a file (AppleDouble, `._…`)",
        "delete it: the model lies beside it",
    ),
    (0, b"Salted__", "encrypted", "OpenSSL-encrypted file", "decrypt it before it is loaded"),
)

# Names decide only what the bytes leave open.
_SUFFIXES = {
    ".onnx": _ONNX,
    ".engine": Sniffed("tensorrt", "TensorRT engine", _TENSORRT),
    ".plan": Sniffed("tensorrt", "TensorRT engine", _TENSORRT),
    ".trt": Sniffed("tensorrt", "TensorRT engine", _TENSORRT),
    ".mlmodel": Sniffed("coreml", "Core ML model", _COREML),
    ".caffemodel": Sniffed("caffe", "Caffe weights", "load it with Caffe, or convert the weights to PyTorch"),
    ".weights": Sniffed("darknet", "Darknet weights", "load it with Darknet, or convert the weights to PyTorch"),
    ".msgpack": Sniffed("flax", "Flax weights (msgpack)", "load it with flax, or convert the weights to PyTorch"),
    ".pb": Sniffed("tensorflow", "TensorFlow graph (.pb)", _TENSORFLOW),
    ".bin.data": _ONNX,
    ".onnx.data": Sniffed("onnx", "external weights of an ONNX model", "they are read together with the .onnx file"),
    ".onnx_data": Sniffed("onnx", "external weights of an ONNX model", "they are read together with the .onnx file"),
}
_PARTIAL_SUFFIXES = (".part", ".partial", ".crdownload", ".download", ".incomplete", ".aria2", ".tmp")
_PARTIAL = Sniffed("partial-download", "unfinished download", "let the download finish, or start it again")


def by_signature(source: Source, head: bytes, name: str) -> Sniffed | None:
    """The format whose mark stands in the first bytes, or whose first fields they are."""
    for offset, mark, kind, title, advice in SIGNATURES:
        if head.startswith(mark, offset):
            return Sniffed(kind, title, advice)
    if _is_zlib(head):
        return Sniffed("zlib", "zlib-compressed file (joblib writes such)", _JOBLIB)
    if _is_lzma(head):
        return Sniffed("lzma", "LZMA-compressed file (joblib writes such)", _JOBLIB)
    if head[:2] == b"MZ" and head[60:64].rjust(4) < b"\0\x10\0\0":
        return Sniffed("program", "Windows program or library (PE)", _WRONG_FILE)
    return _protobuf(head, source.size, name)


def _is_zlib(head: bytes) -> bool:
    """RFC 1950: deflate with a 32 KiB window, the header a multiple of 31, and bytes that inflate."""
    if head[:1] != b"\x78" or len(head) < 6 or int.from_bytes(head[:2], "big") % 31:
        return False
    try:
        zlib.decompressobj().decompress(head, HEAD_BYTES)
    except zlib.error:
        return False
    return True


def _is_lzma(head: bytes) -> bool:
    """The header of the .lzma format (xz/doc/lzma-file-format.txt): properties, dictionary size 2^n, size or -1."""
    dictionary, size = int.from_bytes(head[1:5], "little"), head[5:13]
    return head[:1] == b"]" and dictionary.bit_count() == 1 and (size == b"\xff" * 8 or not any(size[5:]))


# --------------------------------------------------------------------------- protocol buffers


def _protobuf(head: bytes, size: int, name: str) -> Sniffed | None:
    """ONNX, TensorFlow and Core ML have no mark: the first fields of their messages tell them apart."""
    if head[:1] == b"\x08":
        fields = _fields(head, size)
        if len(fields) < 2:
            return None
        texts = {number: value for number, value in fields if isinstance(value, bytes)}
        if 2 in texts and not name.endswith(".pb") and _is_word(texts[2]):
            return _ONNX  # ModelProto: ir_version, producer_name
        if texts.keys() & {7, 8} and not texts.keys() - {2, 3, 4, 6, 7, 8, 14, 20, 25, 26}:
            return _ONNX  # ModelProto without a producer: graph or opset_import
        if name.endswith(".pb") and fields[0] == (1, 1):
            return Sniffed("tensorflow", "TensorFlow SavedModel", _TENSORFLOW)  # saved_model_schema_version
        if name.endswith((".mlmodel", ".mlpackage")):
            return Sniffed("coreml", "Core ML model", _COREML)
    elif head[:1] == b"\n" and name.endswith(".pb") and _fields(head, size):
        return Sniffed("tensorflow", "TensorFlow graph (.pb)", _TENSORFLOW)  # GraphDef: node
    return None


def _fields(data: bytes, size: int) -> list[tuple[int, int | bytes]]:
    """The top fields of a message as far as `data` reaches; empty when they can't be fields of one in `size` bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data) and len(found) < 64:
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        value, at = _varint(data, at)
        if kind == 0 and number:
            found.append((number, value))
        elif kind == 2 and number and at + value <= size:
            found.append((number, data[at : at + value]))
            at += value
        else:
            return found
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            break
    return value, at


def _is_word(value: bytes) -> bool:
    return 0 < len(value) <= 64 and value.isascii() and value.decode().isprintable()


# --------------------------------------------------------------------------- zip


def foreign_zip(names: list[str], tails: set[str], *, sealed: bool) -> Sniffed:
    """What a zip that is no PyTorch archive is, by its members."""
    if "MAR-INF/MANIFEST.json" in names:
        return Sniffed("mar", "TorchServe model archive (MAR)")
    every = set(names)
    if names and all(member.endswith(".npy") for member in names):
        return Sniffed("numpy", "NumPy arrays (.npz)", _NUMPY)
    if "model.weights.h5" in every or "model.weights.h5" in tails:
        return Sniffed("keras", "Keras model (.keras)", _KERAS)
    if "_stable_baselines3_version" in every or "pytorch_variables.pth" in every:
        advice = "load it with the `load` method of its stable-baselines3 algorithm"
        return Sniffed("stable-baselines3", "Stable-Baselines3 model (zip)", advice)
    if any(member.endswith("saved_model.pb") for member in names):
        return Sniffed("tensorflow", "TensorFlow SavedModel (zip)", _TENSORFLOW)
    if any("com.apple.CoreML" in member for member in names):
        return Sniffed("coreml", "Core ML package (zip)", _COREML)
    for mark, title in (
        ("[Content_Types].xml", "Office document"),
        ("AndroidManifest.xml", "Android package"),
        ("META-INF/MANIFEST.MF", "Java archive"),
    ):
        if mark in every:
            return Sniffed("zip", title, _WRONG_FILE)
    if any(member.split("/", 1)[0].endswith(".dist-info") for member in names):
        return Sniffed("zip", "Python wheel", _WRONG_FILE)
    if sealed:
        advice = "unpack it with its password, and check what is inside"
        return Sniffed("encrypted-zip", "encrypted zip archive", advice)
    return Sniffed("zip", "zip archive" if names else "zip archive without members", _UNPACK)


# --------------------------------------------------------------------------- last resorts


def by_tail_or_name(source: Source, head: bytes, name: str) -> Sniffed:
    """What has no mark at its start: a zip with something before it, zeros, raw weights known by name, or unknown."""
    tail = source.read_at(max(0, source.size - HEAD_BYTES), HEAD_BYTES)
    if b"PK\x05\x06" in tail:
        return _prefixed_zip(source)
    lower = name.lower()
    if not any(head) and not any(tail) and _is_zeros(source):
        advice = "space was set aside for a download that never came, or the disk lost it: fetch the model again"
        return Sniffed("zeros", "file of zero bytes", advice)
    if lower.endswith(_PARTIAL_SUFFIXES):
        return _PARTIAL
    if tail[-8:] == b"\x57\xfb\x80\x8b\x24\x75\x47\xdb":  # leveldb/table/format.h, kTableMagicNumber
        return Sniffed("tensorflow", "index of a TensorFlow checkpoint", _TENSORFLOW)
    if ".data-0" in lower and "-of-0" in lower:
        return Sniffed("tensorflow", "weights of a TensorFlow checkpoint", _TENSORFLOW)
    if head.count(b"\xef\xbf\xbd") >= 8:  # U+FFFD in UTF-8
        advice = "a program read the bytes as text and replaced what it couldn't decode: copy the file as binary"
        return Sniffed("mangled", "binary file that was copied as text", advice)
    found = next((value for suffix, value in _SUFFIXES.items() if lower.endswith(suffix)), None)
    return found or Sniffed("unknown", "unknown bytes", "find out what wrote it: these bytes begin no known format")


def _prefixed_zip(source: Source) -> Sniffed:
    from modeldoctor.detect import zip_kind
    from modeldoctor.errors import ReadError
    from modeldoctor.readers.checkpoint.zip_directory import read_directory

    try:
        directory = read_directory(source)
    except ReadError:
        return Sniffed("unknown", "unknown bytes")
    return zip_kind([entry.name for entry in directory.entries])._replace(directory=directory)


def _is_zeros(source: Source) -> bool:
    """Whether sixteen samples all over the file are zeros: reading a terabyte of holes would take too long."""
    step = max(HEAD_BYTES, source.size // 16)
    return not any(any(source.read_at(offset, HEAD_BYTES)) for offset in range(0, source.size, step))
