"""MDR658: the server wants a token for every call and has its model API switched off."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Store
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told_of_store


@rule(
    Store,
    code="MDR658",
    slug="server-access",
    severity=Severity.INFO,
    since="0.1",
    summary="the server wants a token for every call and has its model API switched off",
)
def server_access(store: Store, context: Context) -> Iterator[Hit]:
    """Since 0.11.1 token authorization is on and the model API off unless the configuration says otherwise.

    ## What it finds
    config.properties without `disable_token_authorization=true` or `enable_model_api=true`, for servers of 0.11.1
    and later and those whose release is not known. Flags on the command line may still switch them.

    ## Why it matters
    Without a token every call is refused, `/ping` too, so plain health checks fail. Registering by API answers 405
    even with a token. `TS_*` variables change neither unless the configuration allows them.

    ## Seen as
    * `InvalidKeyException: Token Authorization failed. Token either incorrect, expired, or not provided correctly`
      (400)
    * `MethodNotAllowedException: Requested method is not allowed, please refer to API document.` (405)

    Each of these calls answers with it; `logs/ts_log.log` names the file with the tokens, `key_file.json` in the
    folder that the server was started in.

    ## Fix
    Send the tokens of `key_file.json`, or switch it off where only trusted callers reach the server:
    `--disable-token-auth`, `--enable-model-api`.

    ## References
    * github:pytorch/serve, `docs/token_authorization_api.md` and `docs/model_api_control.md`; README.md
    """
    del context
    yield from told_of_store(store, "server-access")
