"""Demo and dashboard frameworks: Gradio, Streamlit, Solara, Dash, Chainlit, NiceGUI."""

from collections.abc import Iterator

from modeldoctor.readers.source.frameworks.base import Entry, Framework
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import MAIN_BLOCK, MODULE_BODY, Module

_EVENTS = ("click", "change", "submit", "upload", "input", "select", "clear", "load", "then", "stream", "release",
           "success", "blur", "edit", "like", "start_recording", "stop_recording", "on", "render")  # fmt: skip
_FIRST = ((0, "request"), ("fn", "request"), ("func", "request"))


def _streamlit(module: Module, names: Names) -> Iterator[Entry]:
    """The whole script runs again for every interaction of every visitor; what it imports is imported once."""
    aliases = {name for name, dotted in module.body.imports.items() if dotted.partition(".")[0] == "streamlit"}
    del names
    used = [call for scope in module.scopes.values() for call in scope.calls if call.target.split(".")[0] in aliases]
    own = [call for call in module.body.calls if not call.place]
    top = any(call.target.split(".")[0] in aliases for call in own)
    # A file whose statements draw nothing is a page all the same when they call its own `main()`.
    calls_main = any(call.target in module.scopes for call in own)
    if not used or not (top or MAIN_BLOCK in module.scopes or calls_main):
        return
    for scope in (MODULE_BODY, MAIN_BLOCK):
        if scope in module.scopes:
            label = "script body, which runs again at every interaction"
            yield Entry("streamlit", "request", Symbol("function", module.path, scope), label)


FRAMEWORK = Framework(
    name="app",
    packages=("gradio", "streamlit", "solara", "dash", "chainlit", "nicegui"),
    decorators={
        "solara.component": "request",
        "dash.callback": "request",
        "dash.Dash().callback": "request",
        "chainlit.on_message": "request",
        "chainlit.on_chat_start": "request",
        "nicegui.ui.page": "request",
        "streamlit.fragment": "request",
    }
    | {f"gradio.**.{event}": "request" for event in _EVENTS},
    calls={f"gradio.{name}": _FIRST for name in ("Interface", "ChatInterface", "on", "render", "api")}
    | {f"gradio.**.{event}": _FIRST for event in _EVENTS}
    | {f"nicegui.ui.{name}": (("on_click", "request"), ("on_upload", "request")) for name in ("button", "upload")},
    find=_streamlit,
    makes=("dash.Dash", "gradio.Blocks", "gradio.Interface", "gradio.ChatInterface"),
)
