"""Whether the functions that a pickle calls take the arguments it gives, release by release."""

from modeldoctor.predict.load.failures import Failure
from modeldoctor.predict.load.releases import Column, Key, step, within
from modeldoctor.tables import table


def signature_fails(column: Column, name: str, count: str | int | None) -> Failure | None:
    """A rebuild function that is given more or fewer arguments than it takes."""
    changes = table("torch_loading")["signatures"].get(name.replace(" ", ".", 1))
    limits = step(changes, column.key) if changes else None
    if limits is None or type(count) is not int or limits[0] <= count <= limits[1]:
        return None
    function = name.rpartition(" ")[2]
    text = f"{function}() takes {limits[1]} positional arguments but {count} were given"
    return Failure("rebuild_signature_mismatch", "TypeError", text, name.replace(" ", ".", 1))


def arguments_fail(column: Column, name: str, detail: str) -> Failure | None:
    """What a function makes of arguments of that form."""
    if name == "torch.serialization _get_layout":
        return _layout(column, f"torch.{detail}")
    if name == "torch._utils _rebuild_sparse_tensor":
        return _sparse(column, *detail.rpartition(" ")[::2])
    if name == "torch._tensor _rebuild_from_type_v2" and detail == "NoneType":
        # torch/_tensor.py before 2.0 takes the items of the state. Python 3.11 pickles an empty `__dict__` as None.
        text = "'NoneType' object has no attribute 'items'"
        failure = Failure("attribute_missing_in_module", "AttributeError", text, "torch._tensor._rebuild_from_type_v2")
        return None if "rebuilds_state_of_none" in column.does else failure
    return None


def _layout(column: Column, layout: str) -> Failure | None:
    span = table("torch_loading")["layouts"].get(layout)
    if span is not None and within(span, column.key):
        return None
    return Failure("layout_unsupported", "KeyError", f"'{layout}'", layout)


def _sparse(column: Column, layout: str, length: str) -> Failure | None:
    layout = f"torch.{layout}"
    changes = table("torch_loading")["sparse"].get(layout)
    limits = step(changes, column.key) if changes else None
    if limits is None:
        text = f"rebuilding sparse tensor for layout {layout}"
        return Failure("layout_unsupported", "NotImplementedError", text, layout)
    if limits[0] <= int(length) <= limits[1]:
        return None
    text = f"too many values to unpack (expected {limits[1]})"
    return Failure("rebuild_signature_mismatch", "ValueError", text, layout)


# Arguments of types.CodeType and the Python versions that take as many: Objects/codeobject.c.
_CODE = {15: "-3.7", 16: "3.8-3.10", 18: "3.11"}


def bytecode_fails(python: Key, name: str, count: str | int | None) -> Failure | None:
    """Code objects pickled by another Python. A computed callee is cloudpickle's `_builtin_type('CodeType')`."""
    if name not in {"?", "types CodeType", "builtins code"} or count not in _CODE:
        return None
    if within(_CODE[count], python):
        return None
    text = (
        f"code() takes at most 16 arguments ({count} given)" if python < (3, 11) else "code() argument 13 must be str"
    )
    return Failure("bytecode_of_other_python", "TypeError", text, f"{count} arguments")
