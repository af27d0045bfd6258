"""How large the elements of torch's dtypes are, and which dtype a storage class holds."""

from modeldoctor.facts.dtypes import ITEM_BYTES

__all__ = ["ALIASES", "ITEM_BYTES", "STORAGE_DTYPES"]

# Other names of the same dtype, as attributes of the torch module.
ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "chalf": "complex32",
    "cfloat": "complex64",
    "cdouble": "complex128",
}

# torch/storage.py, _dtype_to_storage_type_map. torch.load goes by the class name alone, whatever the module
# (torch/serialization.py, UnpicklerWrapper.find_class).
STORAGE_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
    "_UntypedStorage": "uint8",
}
