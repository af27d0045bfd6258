"""Pickles that run something when they are loaded: every opcode and every detour that gets there."""

import base64
import marshal
import pickle
import struct

from tests.hostile.forge import (
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    FALSE,
    NONE,
    TRUE,
    Sample,
    attribute,
    call,
    data,
    items,
    mkdir,
    named,
    number,
    source,
    state_dict,
    stream,
    text,
    torch_zip,
    with_payload,
)

CALL = ("MDR202",)
# An instance whose attributes are free to set.
INSTANCE = named("argparse", "Namespace") + EMPTY_TUPLE + b"\x81"


def stack_global(module: bytes, name: bytes) -> bytes:
    return module + name + b"\x93"


def build(instance: bytes, **attributes: bytes) -> bytes:
    pairs = b"".join(text(key) + value for key, value in attributes.items())
    return instance + EMPTY_DICT + b"(" + pairs + b"u" + b"b"


def bytecode(canary: str) -> bytes:
    """types.FunctionType(marshal.loads(code), {})()"""
    code = marshal.dumps(compile(f"import os; os.mkdir({canary!r})", "x", "exec"))
    function = call(named("types", "FunctionType"), call(named("marshal", "loads"), data(code)), EMPTY_DICT, text("f"))
    return call(function)


OPCODES = [
    Sample("reduce", lambda c: with_payload(mkdir(c)), CALL, "torch"),
    Sample("reduce in a bare pickle", lambda c: stream(mkdir(c)), CALL, "pickle"),
    Sample("stack global", lambda c: stream(call(stack_global(text("os"), text("mkdir")), text(c)), protocol=4), CALL, "pickle"),
    Sample(
        "stack global from the memo",
        lambda c: stream(
            *(text("os"), b"\x94", b"0", text("mkdir"), b"\x94", b"0"),
            *(text("harmless"), b"0", b"h\0", b"h\1", b"\x93", items(text(c)), b"R"),
            protocol=4,
        ),
        CALL,
        "pickle",
    ),
    Sample(
        "stack global with names far away in the memo",
        lambda c: stream(
            text("os") + b"r\xff\xff\0\0" + b"0" + text("mkdir") + b"r\xfe\xff\0\0" + b"0",
            b"j\xff\xff\0\0" + b"j\xfe\xff\0\0" + b"\x93" + items(text(c)) + b"R",
            protocol=4,
        ),
        CALL,
        "pickle",
    ),
    Sample(
        "stack global with a computed module",
        lambda c: stream(call(stack_global(call(named("_codecs", "decode"), data(b"os")), text("mkdir")), text(c)), protocol=4),
        ("MDR202|MDR203",),
        "pickle",
    ),
    Sample("dotted name", lambda c: stream(call(stack_global(text("shutil"), text("os.mkdir")), text(c)), protocol=4), CALL, "pickle"),
    Sample("inst", lambda c: stream(b"(" + text(c) + b"ios\nmkdir\n"), CALL, "pickle"),
    Sample("obj", lambda c: stream(b"(" + named("os", "mkdir") + text(c) + b"o"), CALL, "pickle"),
    Sample("obj and pop", lambda c: stream(b"(" + named("os", "mkdir") + text(c) + b"o", b"0", EMPTY_DICT), CALL, "pickle"),
    Sample("reduce and pop", lambda c: torch_zip(mkdir(c), b"0", state_dict()), CALL, "torch"),
    Sample("reduce and pop mark", lambda c: torch_zip(b"(", mkdir(c), b"1", state_dict()), CALL, "torch"),
    Sample("newobj", lambda _: stream(named("subprocess", "Popen"), items(text("true")), b"\x81"), ("MDR202",)),
    Sample(
        "newobj with keywords",
        lambda _: stream(named("subprocess", "Popen"), EMPTY_TUPLE, EMPTY_DICT + text("args") + text("true") + b"s", b"\x92", protocol=4),
        CALL,
    ),
    Sample(
        "extension registered by the pickle itself",
        lambda c: stream(
            call(named("copyreg", "add_extension"), text("os"), text("mkdir"), number(243)),
            *(b"0", b"\x82\xf3", items(text(c)), b"R0"),
            call(named("copyreg", "remove_extension"), text("os"), text("mkdir"), number(243)),
        ),
        ("MDR202|MDR203",),
        "pickle",
    ),
    Sample("extension that nobody registered", lambda _: stream(b"\x83\xff\x7f", EMPTY_TUPLE, b"R"), ("MDR105|MDR203",)),
    Sample(
        "build calls what the state put there",
        lambda c: stream(build(INSTANCE, __setstate__=named("os", "mkdir")), text(c), b"b"),
        CALL,
        "pickle",
    ),
    Sample(
        "append calls what the state put there",
        lambda c: stream(build(INSTANCE, append=named("os", "mkdir")), text(c), b"a"),
        CALL,
        "pickle",
    ),
    Sample(
        "appends calls extend",
        lambda c: stream(build(INSTANCE, extend=named("os", "mkdir"), append=named("os", "mkdir")), b"(", text(c), b"e"),
        CALL,
    ),
    Sample(
        "additems calls add",
        lambda c: stream(build(INSTANCE, add=named("os", "mkdir")), b"(", text(c), b"\x90", protocol=4),
        CALL,
        "pickle",
    ),
    Sample("protocol 0", lambda c: f"(cos\nmkdir\n(V{c}\ntR.".encode()[1:], CALL, "pickle"),
    Sample("protocol 5 with a frame", lambda c: pickle.dumps(_Reduced(c), 5), CALL, "pickle"),
    Sample(
        "a frame that is longer than the file",
        lambda c: stream(b"\x95" + struct.pack("<Q", 1 << 40), mkdir(c), protocol=4),
        CALL,
    ),
    Sample("no stop", lambda c: stream(mkdir(c))[:-1], ("MDR202", "MDR104|MDR105"), "pickle"),
    Sample("garbage behind the call", lambda c: stream(mkdir(c), b"\xff\xfe"), ("MDR202", "MDR105"), "pickle"),
    Sample("no protocol and garbage", lambda c: f"cos\nmkdir\n(V{c}\ntR\x01\x02garbage".encode(), ("MDR202",), "pickle"),
    Sample("the key of a dict", lambda c: torch_zip(EMPTY_DICT, mkdir(c), TRUE, b"s"), CALL, "torch"),
    Sample("deep in a list", lambda c: torch_zip(EMPTY_LIST * 500, mkdir(c), b"a" * 500), CALL, "torch"),
    Sample("in a persistent id", lambda c: torch_zip(items(text("storage"), mkdir(c), text("0"), text("cpu"), number(1)), b"Q"), CALL, "torch"),
    Sample("in the hooks of a tensor", lambda c: torch_zip(
        call(named("torch._utils", "_rebuild_tensor_v2"), NONE, number(0), EMPTY_TUPLE, EMPTY_TUPLE, FALSE, mkdir(c))
    ), CALL, "torch"),
    Sample("behind a hundred thousand harmless calls", lambda c: stream(
        (named("collections", "OrderedDict") + b")R0") * 100_000, mkdir(c)
    ), CALL, "pickle"),
]  # fmt: skip


class _Reduced:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> object:
        import os

        return os.mkdir, (self.canary,)


# --------------------------------------------------------------------------- detours

DETOURS = [
    Sample("eval", lambda c: with_payload(call(named("builtins", "eval"), source(c))), CALL, "torch"),
    Sample("exec", lambda c: with_payload(call(named("builtins", "exec"), source(c))), CALL, "torch"),
    Sample("python 2 eval", lambda c: stream(call(named("__builtin__", "eval"), source(c))), CALL, "pickle"),
    Sample("python 2 execfile", lambda _: stream(call(named("__builtin__", "execfile"), text("x.py"))), CALL),
    Sample("import", lambda c: stream(call(attribute(call(named("builtins", "__import__"), text("os")), "mkdir"), text(c))), CALL, "pickle"),
    Sample("import_module", lambda c: stream(call(attribute(call(named("importlib", "import_module"), text("os")), "mkdir"), text(c))), CALL, "pickle"),
    Sample("getattr of a module", lambda c: stream(call(attribute(named("shutil", "os"), "mkdir"), text(c))), CALL, "pickle"),
    Sample("call of a function", lambda c: stream(call(attribute(named("os", "mkdir"), "__call__"), text(c))), CALL, "pickle"),
    Sample("attrgetter", lambda c: stream(call(call(call(named("operator", "attrgetter"), text("mkdir")), named("shutil", "os")), text(c))), CALL, "pickle"),
    Sample("methodcaller", lambda c: stream(call(call(named("operator", "methodcaller"), text("mkdir"), text(c)), named("shutil", "os"))), CALL, "pickle"),
    Sample("_operator", lambda c: stream(call(call(named("_operator", "methodcaller"), text("mkdir"), text(c)), named("shutil", "os"))), CALL, "pickle"),
    Sample("operator.call", lambda c: stream(call(named("operator", "call"), named("os", "mkdir"), text(c))), CALL, "pickle"),
    Sample("partial", lambda c: stream(call(call(named("functools", "partial"), named("os", "mkdir"), text(c)))), CALL, "pickle"),
    Sample("reduce of functools", lambda c: stream(call(named("functools", "reduce"), named("os", "mkdir"), items(text(c), number(511)))), CALL, "pickle"),
    Sample("map and list", lambda c: stream(call(named("builtins", "list"), call(named("builtins", "map"), named("os", "mkdir"), items(text(c))))), CALL, "pickle"),
    Sample("map and next", lambda c: stream(call(named("builtins", "next"), call(named("builtins", "map"), named("os", "mkdir"), items(text(c))))), CALL, "pickle"),
    Sample("map and deque", lambda c: stream(call(named("collections", "deque"), call(named("builtins", "map"), named("os", "mkdir"), items(text(c))))), CALL, "pickle"),
    Sample("filter and tuple", lambda c: stream(call(named("builtins", "tuple"), call(named("builtins", "filter"), named("os", "mkdir"), items(text(c))))), CALL, "pickle"),
    Sample("map and newobj of bytes", lambda c: stream(named("builtins", "bytes"), items(call(named("builtins", "map"), named("os", "mkdir"), items(text(c)))), b"\x81"), CALL, "pickle"),
    Sample("map and ordered dict", lambda c: stream(call(named("collections", "OrderedDict"), call(named("builtins", "map"), named("os", "mkdir"), items(text(c))))), CALL, "pickle"),
    Sample("starmap", lambda c: stream(call(named("builtins", "list"), call(named("itertools", "starmap"), named("os", "mkdir"), items(items(text(c)))))), CALL, "pickle"),
    Sample("default factory", lambda c: stream(
        call(attribute(call(named("collections", "defaultdict"), call(named("functools", "partial"), named("os", "mkdir"), text(c))), "__missing__"), text("x"))
    ), CALL, "pickle"),
    Sample("bytecode", lambda c: stream(bytecode(c), protocol=3), CALL, "pickle"),
    Sample("bytecode of the code type", lambda _: stream(call(named("types", "CodeType"), *[number(0)] * 6)), ("MDR202|MDR208",)),
    Sample("pickle in a pickle", lambda c: stream(call(named("pickle", "loads"), data(stream(mkdir(c)))), protocol=3), CALL, "pickle"),
    Sample("torch loads bytes", lambda c: with_payload(call(named("torch.storage", "_load_from_bytes"), data(stream(mkdir(c)))), protocol=3), CALL),
    Sample("base64 of source", lambda c: stream(
        call(named("builtins", "exec"), call(named("base64", "b64decode"), text(base64.b64encode(f"import os; os.mkdir({c!r})".encode()).decode())))
    ), CALL, "pickle"),
    Sample("codecs of source", lambda c: stream(call(named("builtins", "eval"), call(named("_codecs", "decode"), data(f"__import__('os').mkdir({c!r})".encode()), text("utf-8"))), protocol=3), CALL, "pickle"),
    Sample("type with bases", lambda _: stream(call(call(named("builtins", "type"), text("X"), items(named("builtins", "object")), EMPTY_DICT + text("__init_subclass__") + named("os", "mkdir") + b"s"))), ("MDR202|MDR203",)),
    Sample("copyreg reconstructor", lambda _: stream(call(named("copyreg", "_reconstructor"), named("subprocess", "Popen"), named("builtins", "object"), NONE)), CALL),
    Sample("setattr on a module", lambda _: stream(call(named("builtins", "setattr"), named("builtins", "print"), text("x"), NONE)), CALL),
    Sample("state on a module", lambda _: stream(named("os", "path"), EMPTY_DICT + text("join") + named("builtins", "print") + b"s", b"b"), CALL),
]  # fmt: skip


# --------------------------------------------------------------------------- gadgets: names that scanners had to learn

GADGETS = """
os system|posix system|nt system|subprocess Popen|subprocess check_output|subprocess getoutput|commands getoutput
builtins compile|builtins open|io open|_io FileIO|codecs open|runpy run_path|runpy _run_code|pip main|pip._internal main
timeit timeit|pty spawn|socket create_connection|webbrowser open|shutil rmtree|ctypes CDLL|ctypes.util find_library
importlib.util module_from_spec|pkgutil resolve_name|pydoc locate|code InteractiveInterpreter.runcode|bdb Bdb.run
cProfile run|profile Profile.run|trace Trace.run|doctest debug_script|ensurepip bootstrap|idlelib.pyshell ModifiedInterpreter.runcode
lib2to3.pgen2.grammar Grammar.loads|distutils.file_util write_file|logging FileHandler|logging.config fileConfig
multiprocessing.util spawnv_passfds|uuid _get_command_stdout|imaplib IMAP4_stream|_osx_support _read_output
_aix_support _read_cmd_output|test.support.script_helper assert_python_ok|asyncio.unix_events _UnixSubprocessTransport._start
urllib.request urlopen|http.client HTTPConnection|smtplib SMTP|ftplib FTP|requests get|tempfile mktemp|venv create
zipimport zipimporter|sqlite3 connect|xmlrpc.client ServerProxy|marshal loads|pickle load|_pickle loads|dill loads|shelve open
cloudpickle loads|joblib load|numpy load|numpy fromfile|numpy.testing._private.utils runstring|numpy.f2py.crackfortran getlincoef
pandas read_pickle|torch load|torch.hub load|torch.jit load|torch.serialization load|torch.package PackageImporter
torch.utils.collect_env run|torch.utils.bottleneck.__main__ run_prof|torch.utils.cpp_extension load
torch.jit.unsupported_tensor_ops execWrapper|torch._dynamo.guards GuardBuilder.get
torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression|torch.distributed.rpc rpc_async
torch._inductor.codecache compile_file|torch.storage os.system|torch.serialization os.system|sys exit|os _exit|signal raise_signal
gc collect|faulthandler _sigsegv|ctypes string_at|mmap mmap|threading Thread|_thread start_new_thread|sched scheduler
builtins __build_class__|builtins input|builtins breakpoint|site execsitecustomize|unittest.mock _importer|inspect getsource
"""


def gadget(module: str, name: str) -> Sample:
    expect = ("MDR202|MDR203",) if (module, name) in UNCLEAR else CALL
    return Sample(f"calls {module}.{name}", lambda _: with_payload(call(named(module, name), text("x"))), expect)


# What does something, but nothing that harms.
UNCLEAR = {
    ("torch.package", "PackageImporter"),
    ("gc", "collect"),
    ("inspect", "getsource"),
    ("sched", "scheduler"),
    ("tempfile", "mktemp"),
}
CALLED = [gadget(*pair.split()) for line in GADGETS.split("\n") for pair in line.split("|") if pair.strip()]

# --------------------------------------------------------------------------- what looks like something else

DISGUISED = [
    Sample("cyrillic module", lambda c: stream(call(named("о\u0455", "mkdir"), text(c))), ("MDR202|MDR203|MDR205",)),
    Sample("full-width name", lambda c: stream(call(named("os", "ｍｋｄｉｒ"), text(c))), ("MDR202|MDR203",)),
    Sample("zero-width space", lambda c: stream(call(named("os\u200b", "mkdir"), text(c))), ("MDR202|MDR203|MDR205",)),
    Sample("module with a trailing dot", lambda c: stream(call(named("os.", "mkdir"), text(c))), ("MDR202|MDR203",)),
    Sample("a submodule of the standard library", lambda c: stream(call(named("os.path", "os.mkdir"), text(c)), protocol=4), CALL, "pickle"),
    Sample("named like a module of the project", lambda c: stream(call(named("models.os", "system"), text(c))), ("MDR202|MDR203|MDR205",)),
    Sample("a class that nobody has", lambda _: with_payload(call(named("evil.payload", "Run"))), ("MDR203|MDR205|MDR206",)),
    Sample("inert bytes that are a pickle", lambda c: with_payload(data(stream(mkdir(c))), protocol=3), CALL),
    Sample("only named, not called", lambda _: with_payload(named("os", "system")), CALL),
]  # fmt: skip

SAMPLES = [*OPCODES, *DETOURS, *CALLED, *DISGUISED]
