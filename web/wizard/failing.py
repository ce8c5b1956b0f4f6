"""Why a wish did not come true, in a founder's words."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.models.operation import Operation

TELL_OPERATOR = "Please tell the person who looks after this place."
WORDS: dict[str, tuple[str, str]] = {
    "not-enough-room": ("There is no room left here right now.", TELL_OPERATOR),
    "took-too-long": ("It took too long, so we put everything back.", "Please try once more."),
    "app-failed": ("It did not wake up, so we put everything back.", "Please try once more."),
    "release-rejected": (
        "We could not be sure that the newest version is safe. So we did not start it.",
        TELL_OPERATOR,
    ),
}
OTHERWISE = ("Something went wrong, so we put everything back.", "Please try once more.")


@dataclass(frozen=True)
class Failure:
    """`reference` finds the operation in the operator's list."""

    sentence: str
    advice: str
    reference: str


def explain_failure(operation: Operation) -> Failure:
    code = operation.error_code
    family = "release-rejected" if code.startswith(("release-", "key-")) else code
    sentence, advice = WORDS.get(family, OTHERWISE)
    return Failure(sentence, advice, operation.id[:8])
