"""Render a recipe's config templates: sandboxed, and an unknown name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from provisioner.errors import RenderFailed


def render_templates(templates: Mapping[str, str], facts: Mapping[str, object]) -> dict[str, bytes]:
    """File name without `.j2` → bytes. Raises RenderFailed naming the template and the fault.

    Templates write strings with the `tojson` filter, which is also valid TOML and YAML, so that
    no name or rule a founder typed can change the shape of a file.
    """
    rendered = {}
    for name, text in sorted(templates.items()):
        try:
            result = _compile(text).render(**facts)
        except TemplateError as error:
            raise RenderFailed(reason=f"{name}: {error}") from error
        rendered[name.removesuffix(".j2")] = result.encode()
    return rendered


@lru_cache(maxsize=64)
def _compile(text: str) -> Template:
    """Once for all the steps and communities of a release. Raises TemplateError."""
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )  # config files, not HTML
    # An emoji as it is: TOML refuses the surrogate pairs that JSON would make of it.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}
    return environment.from_string(text)
