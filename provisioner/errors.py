"""Every error the project raises and every sentence a person can see of it.

One tree, grouped by who can fix it. `explain()` says what happened, `next_step()` what to do
now, and `code` is the stable name for machines and for `docs/errors.md`.
"""

from __future__ import annotations

from typing import ClassVar


class TaarafoError(Exception):
    """Base of the tree. `detail` is for the operator's log, never for a founder's page."""

    code: ClassVar[str] = "unknown"
    sentence: ClassVar[str] = "Something unexpected happened. Nothing was lost."
    advice: ClassVar[str] = "Try again in a minute."
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.facts = facts

    def explain(self) -> str:
        return self.sentence.format_map(_Facts(self.facts))

    def next_step(self) -> str:
        return self.advice.format_map(_Facts(self.facts))


class _Facts(dict[str, object]):
    """Keeps a sentence readable when a fact is missing: an error never fails to explain."""

    def __missing__(self, key: str) -> str:
        return "…"


# -- what the person who asked can put right ------------------------------------------------


class BadInput(TaarafoError):
    """The request itself has to change. `field` names the form field it belongs to."""

    code = "bad-input"
    sentence = "Something in the form needs another look."
    advice = "Change it and try again. What you typed is still here."
    http_status = 422
    exit_code = 2

    def __init__(self, detail: str = "", *, field: str = "", **facts: object) -> None:
        super().__init__(detail, **facts)
        self.field = field


class NameRefused(BadInput):
    """A name or address that cannot be used; `suggestion` is one that can (or "")."""

    code = "name-refused"
    sentence = "{reason}"
    advice = "How about {suggestion}?"

    def __init__(self, reason: str, suggestion: str = "", *, field: str = "address") -> None:
        super().__init__(reason, field=field, reason=reason, suggestion=suggestion)
        self.reason = reason
        self.suggestion = suggestion

    def next_step(self) -> str:
        return super().next_step() if self.suggestion else "Choose another one."


class SaidBadly(BadInput):
    """A field needs another look; the sentence says how."""

    code = "said-badly"
    sentence = "{reason}"

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason, field=field, reason=reason)


class KeyUsedBefore(BadInput):
    """One Idempotency-Key for two different wishes."""

    code = "key-used-before"
    sentence = "This Idempotency-Key was used before, for something else. Nothing was started."
    advice = "Send the first request again as it was, or take a new key for the new one."


class SavedUnreadable(BadInput):
    code = "saved-unreadable"
    sentence = "The file {file} is no saved check that we understand: {reason}."
    advice = "Save it again with `./taarafo check ADDRESS --save FILE`."


class NothingToSave(BadInput):
    code = "nothing-to-save"
    sentence = "There is no signed report at {address}, so there is nothing to save."
    advice = "Check the spelling of the address, and try again in a minute."


class NotFound(TaarafoError):
    code = "not-found"
    sentence = "There is no {what} called {name} here."
    advice = "Check the spelling, or look at the list with `./taarafo community list`."
    http_status = 404
    exit_code = 3


class Conflict(TaarafoError):
    code = "conflict"
    sentence = "Something else is being done with {name} right now."
    advice = "Wait until it is finished, then try again. Nothing was changed."
    http_status = 409
    exit_code = 4


class UpgradeRefused(Conflict):
    """This version is not for this community, or not now; `reason` and `advice` are sentences."""

    code = "upgrade-refused"
    sentence = "{reason}"
    advice = "{advice} Nothing was changed."


class BeingUpgraded(Conflict):
    """Nothing is written while it is not decided which version of the control plane stays."""

    code = "being-upgraded"
    sentence = "The control plane is being upgraded."
    advice = (
        "Wait until that is over. If it was interrupted, run `./taarafo up`: it goes on, or puts "
        "back what was there. Nothing was changed."
    )


class NothingKept(Conflict):
    """No copy that outlives it was proved within a day: it has to be said twice."""

    code = "nothing-kept"
    sentence = "No copy of {name} from the last day would outlive it. Nothing was removed."
    advice = "Export it first, or say a second time that nothing of it has to be kept."


class MoveRefused(Conflict):
    """It cannot move, or not any more; `reason` is one sentence or more."""

    code = "move-refused"
    sentence = "{reason}"
    advice = "Nothing was changed."


class BundleRefused(BadInput):
    """A file that is no bundle, or not as it was signed. Nothing of it is used."""

    code = "bundle-refused"
    sentence = "This bundle cannot be used: {reason}."
    advice = "Nothing was started. Copy it here again from where it was made, or export again."


class ReceiptRefused(BadInput):
    """A receipt that does not prove that all came."""

    code = "receipt-refused"
    sentence = "This receipt proves nothing: {reason}."
    advice = "Nothing was changed. Take the file that the import wrote."


class NotAllowed(TaarafoError):
    code = "not-allowed"
    sentence = "This page is only for the person who holds its link or password."
    advice = "Open the link you were given, or sign in."
    http_status = 403
    exit_code = 5


class TokenMissing(NotAllowed):
    """The API takes bearer tokens only; a cookie opens nothing there."""

    code = "token-missing"
    sentence = "The API needs a token that is valid here."
    advice = "Make one at /operator/api-tokens and send it as `Authorization: Bearer …`."
    http_status = 401


class TooMany(TaarafoError):
    code = "too-many"
    sentence = "That was tried very often in a short time."
    advice = "Wait a few minutes, then try again."
    http_status = 429
    exit_code = 6


# -- what the operator can put right -------------------------------------------------------


class OperatorError(TaarafoError):
    """The machine or its settings must change."""

    code = "operator"
    sentence = "This machine is not ready."
    advice = "Run `./taarafo doctor`: it says what is wrong and what to do."
    http_status = 503
    exit_code = 10


class SettingWrong(OperatorError):
    code = "setting-wrong"
    sentence = "The setting {name} cannot be used: {reason}."
    advice = "Change it and run the command again."


class AgentUnreadable(OperatorError):
    code = "agent-unreadable"
    sentence = "The agent of another machine cannot be enrolled from {file}: {reason}."
    advice = "Copy the file agent.json of that machine there again, and run the command again."


class PortTaken(OperatorError):
    code = "port-taken"
    sentence = "Port {port} is already used by {program}."
    advice = "Stop {program}, or choose another port with TAARAFO_PORT."


class NotEnoughRoom(OperatorError):
    code = "not-enough-room"
    sentence = "There is not enough room on the disk: {free_mb} MB free, {needed_mb} MB needed."
    advice = "Make room, then try again. Nothing was started."
    http_status = 507


class HostNotPrepared(OperatorError):
    code = "host-not-prepared"
    sentence = "Preparing this machine stopped at: {task}."
    advice = "{hint}"


class BuildFailed(OperatorError):
    code = "build-failed"
    sentence = "The image {image} could not be built."
    advice = "Read the log above. The last good image is untouched."


class DatabaseNewer(OperatorError):
    """An older version never touches what it cannot read."""

    code = "database-newer"
    sentence = (
        "The database was written by a newer version of Taarafo (its form is {revision}), and "
        "this one does not know it."
    )
    advice = (
        "Use the newer checkout. To come back to this one, run `./taarafo up --back` there first. "
        "Nothing was changed."
    )


class DatabaseDamaged(OperatorError):
    code = "database-damaged"
    sentence = "The database is not sound: {reason}."
    advice = "Copies from before upgrades are in `upgrade/kept` of the state folder."


class WitnessMemoryBroken(OperatorError):
    """A witness cannot read what it cosigned before: to sign on would be to forget it."""

    code = "witness-memory-broken"
    sentence = "What this witness knows of the log {origin} cannot be read, so it signs nothing."
    advice = "Put {path} back from a copy. Removing it would let the log tell another story."


# -- what the publisher can put right -------------------------------------------------------


class ReleaseRejected(TaarafoError):
    """Metadata or content of a release is not what its signatures promise. Nothing is used."""

    code = "release-rejected"
    sentence = "The published release could not be trusted, so nothing was started: {reason}."
    advice = "The operator has to look at it: `./taarafo release verify`."
    http_status = 503
    exit_code = 20


class ReleaseExpired(ReleaseRejected):
    code = "release-expired"
    sentence = "The signatures on the published releases are too old: {reason}."


class ReleaseUnknown(ReleaseRejected):
    code = "release-unknown"
    sentence = "There is no release {name}."
    advice = "See `./taarafo release list`."
    http_status = 404


class SourceMissing(ReleaseUnknown):
    """What a release was made from is not on this machine."""

    code = "source-missing"
    sentence = "The source of {name} is not here: {reason}."
    advice = "Fetch {wanted} into this checkout, then run the command again."


class NotReproduced(ReleaseRejected):
    """Somebody built a published release again, and it came out differently."""

    code = "not-reproduced"
    sentence = "NOT-REPRODUCED: building {name} again gave something else than what is published."
    advice = "Nothing was signed. Look at what differs, and ask the publisher how it came about."
    exit_code = 21


class KeyRefused(ReleaseRejected):
    code = "key-refused"
    sentence = "This set of keys cannot be used: {reason}."
    advice = "Nothing was signed. Repair the keys and try again."


class KeyMissing(KeyRefused):
    code = "key-missing"
    sentence = (
        "Signing {role} needs {needed} of its keys, and {found} could be found. "
        "Missing: {missing}. Looked in {folders}."
    )
    advice = "Nothing was signed. Put the key files back there and run the command again."


class AgentKeyRefused(KeyRefused):
    """The agent of a host has a key that the one before did not sign for."""

    code = "agent-key-refused"
    sentence = "The key of this machine's agent cannot be published: {reason}."
    advice = (
        "Find out who changed it. To enrol the agent as a new host, take the folder `agent` out of "
        "the state folder and run `./taarafo up`. Nothing was published."
    )


class ReleaseUnlogged(ReleaseRejected):
    """Signed, but the public log does not have it, or has it differently."""

    code = "release-unlogged"
    sentence = "What is published is signed, but it is not in the public log: {reason}."


class OlderLog(ReleaseRejected):
    """The log is shorter than this reader has seen it before."""

    code = "older-log"


class LogDivided(ReleaseRejected):
    """The log said two different things of one size. Both are kept."""

    code = "log-divided"
    sentence = "The public log told two different stories: {reason}."
    advice = "Keep the folder {folder}: it holds both. Tell everybody who uses this publisher."


class WitnessesMissing(ReleaseRejected):
    """Fewer witnesses have lately seen the log than the policy asks for.

    A reader's has the fact `log`, a LogSeen: what was seen of it all the same.
    """

    code = "witnesses-missing"
    sentence = "Too few witnesses have lately seen the public log: {found} ({names})."
    advice = "See that the witnesses run and can be reached, then try again. Nothing was lost."


class LogKeyUnknown(WitnessesMissing):
    """The witnesses have to be told of a log's new key before it takes the old one's place."""

    code = "log-key-unknown"
    sentence = "Too few witnesses cosign what the log's new key signs: {found} ({names})."
    advice = (
        "Ask each of them to start once with `--log {vkey}`, then run the command again. "
        "The log signs with its old key until then."
    )


class PublishingUnfinished(ReleaseRejected):
    """Something was logged and is not visible yet; only who holds the log's key goes on with it."""

    code = "publishing-unfinished"
    sentence = "Something was begun to be published and not finished, so no witness was asked."
    advice = "Run `./taarafo up`: it finishes that. Nothing was lost."


class SignaturesMissing(KeyMissing):
    """A change was signed as far as keys are here, and waits for those who hold the others."""

    code = "signatures-missing"
    sentence = "A change waits for signatures. {reason}"
    advice = (
        "Let the others sign with `./taarafo release keys sign {role} --key FILE`, "
        "or remove {folder} to give the change up."
    )


class FloorRefused(BadInput):
    """`reason` says why the security floor cannot be `version`."""

    code = "floor-refused"
    sentence = "The security floor cannot be {version}: {reason}."
    advice = "See `./taarafo release list`. Nothing was changed."


class PromotionRefused(BadInput):
    """`reason` says why the release `name` cannot go from `early` to `stable`."""

    code = "promotion-refused"
    sentence = "{name} was not promoted: {reason}."
    advice = "See `./taarafo release list` and `./taarafo rollout list`. Nothing was changed."


class RecipeIncomplete(BadInput):
    """A recipe names something that was not built or written."""

    code = "recipe-incomplete"
    sentence = "The recipe of {recipe} is not complete: {reason}."
    advice = "Repair the recipe and build it again. Nothing was published."


class ReleaseExists(Conflict):
    code = "release-exists"
    sentence = "Release {name} is published already, and what you built differs from it."
    advice = "Give yours a new version number. The published release was not touched."


# -- what passes by itself: a step waits and tries again --------------------------------------


class Unavailable(TaarafoError):
    """An outside part does not answer now. The step that met it waits and says so."""

    code = "unavailable"
    sentence = "We are waiting for {part}."
    advice = "It goes on by itself. Nothing was lost."
    http_status = 503
    exit_code = 30


class TookTooLong(TaarafoError):
    """Waiting ended without success; what was begun is undone."""

    code = "took-too-long"
    sentence = "{what} took longer than {seconds} seconds, so everything was put back."
    advice = "Try again. If it happens again, the operator should look at the log."
    http_status = 504
    exit_code = 31


class AppFailed(TaarafoError):
    """The community's own program ended with an error."""

    code = "app-failed"
    sentence = "The community could not start, so everything was put back."
    advice = "Try again. If it happens again, the operator should look at the log."
    exit_code = 32


class PromiseBroken(TaarafoError):
    """A new version that does not keep what the founder promised is never let in."""

    code = "promise-broken"
    sentence = (
        "The new version does not keep the promise “{promise}”, so the one before was put back."
    )
    advice = "Nothing was lost. Tell whoever publishes it; wait for the next version."
    exit_code = 35


class PutBack(TaarafoError):
    """A new control plane that did not prove itself: the one before is there again."""

    code = "put-back"
    sentence = (
        "The new control plane did not prove itself, so the one before runs again, with "
        "everything that was written. What happened: {reason}"
    )
    advice = "Nothing was lost. Repair the new version, or wait for the next one."
    exit_code = 40


class OperationFailed(TaarafoError):
    """For who waited for it: `reason` is the sentence that the operation ended with."""

    code = "operation-failed"
    sentence = "{reason}"
    advice = "What was begun is undone. Look at its log, then try again."
    exit_code = 34


class BackupFailed(TaarafoError):
    """A copy that was not made, or that could not be read back whole. It never counts."""

    code = "backup-failed"
    sentence = "This backup does not count: {reason}."
    advice = "The community runs on, and earlier backups are kept. It is tried again by itself."
    exit_code = 36


class WeighingFailed(TaarafoError):
    """What communities take of the disk could not be counted. What was known stays."""

    code = "weighing-failed"
    sentence = "What communities take of the disk could not be counted: {reason}."
    advice = "It is tried again by itself. Limits that were told before hold on."
    exit_code = 39


class RestoreFailed(TaarafoError):
    """A backup that could not be brought back as a community. The backup is as it was."""

    code = "restore-failed"
    sentence = "Nothing was brought back: {reason}."
    advice = "The backup was only read, and is as it was. Put that right, then try again."
    http_status = 422
    exit_code = 37


class ExportFailed(TaarafoError):
    """A bundle that was not made, or could not be read back whole."""

    code = "export-failed"
    sentence = "No bundle was made: {reason}."
    advice = "The community runs on as before, and nothing half made was left."
    exit_code = 38


class RenderFailed(TaarafoError):
    code = "render-failed"
    sentence = "The settings of this community could not be written: {reason}."
    advice = "The publisher of this recipe has to repair it."
    exit_code = 33
