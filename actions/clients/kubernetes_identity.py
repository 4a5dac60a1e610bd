"""As whom an API server is asked: certificates, tokens and their files, passwords, login plugins."""

import asyncio
import contextlib
import json
import os
import time
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from actions.clients.kubernetes_config import Json, Target, held_data
from actions.clients.libraries import library
from actions.model.errors import ConfigError, Unreachable
from actions.model.text import clean

TOKEN_SECONDS = 60.0
"""A token file is read again when so much time has passed: whoever looks after it replaces the token."""


@dataclass
class Identity:
    """What is shown to the server. Holds secrets."""

    authorization: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """Certificate and key, as PEM."""
    expires: float | None = None
    """When it ends, by the clock of the world."""
    _read: float = 0.0

    @property
    def expired(self) -> bool:
        """Whether a new one has to be asked for."""
        return self.expires is not None and time.time() >= self.expires

    async def header(self) -> str | None:
        """The Authorization header. A token file that cannot be read now leaves the last token. Raises ConfigError."""
        if self.token_file is not None and time.monotonic() - self._read >= TOKEN_SECONDS:
            try:
                token = (await asyncio.to_thread(self.token_file.read_text)).strip()
            except OSError as error:
                if self.authorization is None:
                    raise ConfigError(f"{self.token_file}: {clean(error)}; log in to the cluster again") from None
                token = ""
            self.authorization = f"Bearer {token}" if token else self.authorization
            self._read = time.monotonic()
        return self.authorization


async def identity(target: Target) -> Identity:
    """The identity that the kubeconfig's user has now.

    Raises ConfigError, Unreachable, OSError, and for a form that is wrong LookupError, TypeError, ValueError.
    """
    user = target.user
    if "auth-provider" in user:
        return Identity(authorization=await _by_library(target))
    found = await _by_plugin(target, user["exec"]) if user.get("exec") else Identity()
    certificate = held_data(user, "client-certificate", target.user_folder)
    if certificate is not None:
        key = held_data(user, "client-key", target.user_folder)
        found.certificate = (certificate, certificate if key is None else key)
    if found.authorization is not None:
        return found
    if user.get("tokenFile"):
        found.token_file = target.user_folder / str(user["tokenFile"])
    elif user.get("token"):
        found.authorization = f"Bearer {user['token']}"
    elif user.get("username") and user.get("password"):
        words = f"{user['username']}:{user['password']}".encode()
        found.authorization = f"Basic {b64encode(words).decode()}"
    return found


async def _by_library(target: Target) -> str | None:
    """Of the old `auth-provider` form; nothing else knows how to renew such a token."""
    client, config = await library("kubernetes.aio.client"), await library("kubernetes.aio.config")
    configuration = client.Configuration()
    try:
        await config.load_kube_config(
            config_file=os.pathsep.join(map(str, target.files)),
            context=target.context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (config.ConfigException, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    token = configuration.api_key.get("BearerToken")
    return None if token is None else str(token)


async def _by_plugin(target: Target, plugin: Any) -> Identity:
    """What a login plugin answers (client.authentication.k8s.io). It gets no terminal: the console has that."""
    if not isinstance(plugin, dict) or not plugin.get("command") or not plugin.get("apiVersion"):
        raise ValueError("'exec' needs 'command' and 'apiVersion'")
    if plugin.get("interactiveMode") == "Always":
        raise ValueError(f"'{plugin['command']}' asks a person; use a login that needs nobody")
    answer = await _run(target, plugin)
    status = answer.get("status")
    if not isinstance(status, dict) or answer.get("apiVersion") != plugin["apiVersion"]:
        raise ValueError(f"'{plugin['command']}' answers without a status in the form {plugin['apiVersion']}")
    found = Identity(authorization=f"Bearer {status['token']}" if status.get("token") else None)
    if status.get("clientCertificateData") and status.get("clientKeyData"):
        found.certificate = (str(status["clientCertificateData"]).encode(), str(status["clientKeyData"]).encode())
    if found.authorization is None and found.certificate is None:
        raise ValueError(f"'{plugin['command']}' answers with neither a token nor a certificate")
    if ends := status.get("expirationTimestamp"):
        found.expires = datetime.fromisoformat(str(ends)).timestamp()
    return found


async def _run(target: Target, plugin: Json) -> Json:
    command = str(plugin["command"])
    if os.sep in command:
        command = str(target.user_folder / command)
    spec: Json = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {name: value for name, value in target.cluster.items() if name != "extensions"}
    info = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}
    more = {str(one["name"]): str(one["value"]) for one in plugin.get("env") or []}
    process = await asyncio.create_subprocess_exec(
        command,
        *(str(one) for one in plugin.get("args") or []),
        env={**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(info)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise Unreachable(f"the login '{plugin['command']}' ended with {process.returncode}: {clean(err[:300])}")
    answer = json.loads(out)
    if not isinstance(answer, dict):
        raise ValueError(f"'{plugin['command']}' answers with something that is no object")
    return answer
