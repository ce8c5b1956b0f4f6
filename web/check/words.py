"""What the check page says around a verdict. The verdict's own sentence is appraisal.wording's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from provisioner.models.verdict import Outcome

HEADLINES: Final = {
    Outcome.GENUINE: "The report of this server fits the code that was made public.",
    Outcome.MODIFIED: "Some things here are not as they were made public.",
    Outcome.OUTDATED: "This server says that it runs an old version.",
    Outcome.STALE: "The last report is too old to tell.",
    Outcome.DIVERGENT: "You do not get what others get here, or what was made public.",
    Outcome.UNVERIFIABLE: "We could not check all of it.",
    Outcome.REJECTED: "We do not believe the report of this server.",
    Outcome.UNLOGGED: "What runs here was never written in the public book.",
    Outcome.EQUIVOCATION: "The public book told two different stories.",
    Outcome.RELAY: "This server gave us the report of another one.",
    Outcome.REPLAY: "This server gave us an old answer to a new question.",
    Outcome.CLOCK_SKEW: "The clocks do not agree, so we cannot tell.",
    Outcome.UNKNOWN: "We cannot say what runs here.",
}

ADVICE: Final = {
    Outcome.GENUINE: "Ask someone you trust to check it from their own place too.",
    Outcome.MODIFIED: "Ask the person who runs this server why. You can still take your things "
    "and leave: “Download everything” is on your own page there.",
    Outcome.OUTDATED: "Ask the person who runs this server when the new one will come.",
    Outcome.STALE: "Look again in a few minutes. If it stays like this, ask who runs the server.",
    Outcome.DIVERGENT: "Check again from another network. If it stays, ask who runs the server.",
    Outcome.UNVERIFIABLE: "Look again in a few minutes. If it stays like this, ask who runs it.",
    Outcome.REJECTED: "Do not trust what this server says of itself. Ask the person who runs it.",
    Outcome.UNLOGGED: "Do not trust it yet. Ask the person who runs it why nobody was told.",
    Outcome.EQUIVOCATION: "Do not trust it. Show this page to the person who runs it.",
    Outcome.RELAY: "Do not trust what this server says of itself. Ask the person who runs it.",
    Outcome.REPLAY: "Do not trust what this server says of itself. Ask the person who runs it.",
    Outcome.CLOCK_SKEW: "Set the clock of your own device first. Then look again.",
    Outcome.UNKNOWN: "Look again in a few minutes.",
}

NOTHING_HERE: Final = "We found no report at this address."
NOTHING_MEANS: Final = (
    "Maybe there is a slip in the address. Maybe nothing lives there. Maybe it is asleep. "
    "From here, all of these look the same."
)
NOTHING_ADVICE: Final = "Look at the address once more, letter by letter."

WHAT_THIS_IS: Final = (
    "Each community here runs code that anyone may read. "
    "This page asks a server what it runs, and holds that next to the code that was made public."
)

LIMITS: Final = (
    "A server reports on itself. A very skilled person who runs it could make it lie.",
    "Nobody outside can see if someone reads what is kept there.",
    "What is changed only in memory, and not in a file, is not seen.",
    "It says how things were when they were measured, not how they will be.",
)

ELSEWHERE: Final = (
    "This page may come from the same machine that it checks, so it should not be the only judge. "
    "Anyone who has our program can ask the same question from another place:"
)

TAKE_VERIFIER: Final = (
    "Or let someone else save a check with our program and send you the file. This page opens such "
    "a file and judges it in your browser. It needs no network. Get it on one day and use it on "
    "any other:"
)
VERIFIER_LINK: Final = "Get the page that judges a saved check"

# What the verifier says around a verdict: the page that people take home.
VERIFIER_TITLE: Final = "Check a saved file"
VERIFIER_MEANS: Final = (
    "Someone asked a server what it runs and saved the answer. This page judges that file. "
    "It looks at each signature and each hash here, in your browser. It sends nothing out."
)
VERIFIER_SOURCE: Final = (
    "If you got this page from the server that you want to check, it should not be the only judge. "
    "Ask a friend to send you her copy, or use our program."
)
VERIFIER_MOMENT: Final = (
    "This is for the time when the file was saved. It says nothing of today. "
    "That time is what the file says: nobody signed it."
)
VERIFIER_TRUST: Final = (
    "A root of trust names the keys whose word counts. This page came with one. Ask someone who "
    "got it in another way which SHA-256 she sees. If the two differ, one of you was fooled."
)
VERIFIER_LIMITS: Final = ("What came out after the file was saved is not in it.",)
VERIFIER_UNABLE: Final = (
    "This browser cannot check these signatures, so nothing is judged. "
    "Open the page from your own disk, in a browser of the last year."
)
VERIFIER_SCRIPT: Final = "This page does its work with a script, and scripts are off here."

# What each check asks, in the order of the appraisal.
QUESTIONS: Final = {
    "address": "Is this an address?",
    "signature": "Who signed the report?",
    "statement": "Can it be read?",
    "community": "Is it about this address?",
    "time": "Does it answer us, now?",
    "release": "Which release does it name?",
    "log": "Was it told to everybody?",
    "version": "Is that the newest one?",
    "hosts": "Did every machine report?",
    "service": "Is that what runs?",
    "files": "Are all files the same?",
    "mounts": "Is anything laid over them?",
    "settings": "Are the settings as written?",
    "processes": "Does anything else run?",
    "confinement": "What is it allowed to do?",
    "environment": "How was it started?",
    "witnesses": "What did others see?",
}

# Beside each answer. Never a tick: a word that says what was compared, or that it could not be.
MARKS: Final = {
    Outcome.GENUINE: "fits",
    Outcome.MODIFIED: "differs",
    Outcome.DIVERGENT: "differs",
    Outcome.OUTDATED: "old",
    Outcome.STALE: "too old",
    Outcome.UNVERIFIABLE: "cannot tell",
    Outcome.UNKNOWN: "cannot tell",
    Outcome.REJECTED: "not believed",
    Outcome.EQUIVOCATION: "not believed",
    Outcome.RELAY: "not believed",
    Outcome.REPLAY: "not believed",
    Outcome.UNLOGGED: "not logged",
    Outcome.CLOCK_SKEW: "cannot tell",
}

# On the badge: what the last recorded check met, in as few words as that takes.
BADGES: Final = {
    Outcome.GENUINE: "reports {version}",
    Outcome.OUTDATED: "reports {version}, an old one",
    Outcome.STALE: "report too old",
    Outcome.MODIFIED: "differs",
    Outcome.DIVERGENT: "differs",
    Outcome.UNVERIFIABLE: "unknown",
    Outcome.UNKNOWN: "unknown",
    Outcome.CLOCK_SKEW: "unknown",
    Outcome.UNLOGGED: "not logged",
    Outcome.REJECTED: "not believed",
    Outcome.EQUIVOCATION: "not believed",
    Outcome.RELAY: "not believed",
    Outcome.REPLAY: "not believed",
}
NO_BADGE: Final = "no report"


@dataclass(frozen=True)
class Square:
    """How a day looks in the strip. The sign says the same as the colour."""

    kind: str
    sign: str
    means: str


FITS = Square("fits", "=", "all fits")
OLD = Square("old", "o", "an old version")
UNSURE = Square("unsure", "?", "we cannot tell")
BAD = Square("bad", "!", "not as it should be")
NOT_CHECKED = Square("none", "", "no check")
LEGEND: Final = (FITS, OLD, UNSURE, BAD, NOT_CHECKED)

# None is a day without a check.
SQUARES: Final[dict[Outcome | None, Square]] = {
    None: NOT_CHECKED,
    Outcome.GENUINE: FITS,
    Outcome.OUTDATED: OLD,
    Outcome.STALE: UNSURE,
    Outcome.UNVERIFIABLE: UNSURE,
    Outcome.UNKNOWN: UNSURE,
    Outcome.CLOCK_SKEW: UNSURE,
    Outcome.UNLOGGED: BAD,
    Outcome.MODIFIED: BAD,
    Outcome.DIVERGENT: BAD,
    Outcome.REJECTED: BAD,
    Outcome.EQUIVOCATION: BAD,
    Outcome.RELAY: BAD,
    Outcome.REPLAY: BAD,
}
STRIP_HINT: Final = "One square is one day. It shows the worst that was found on that day."
FEED_HINT: Final = "A feed reader tells you when something changes here:"


NOTHING_SEEN: Final = "nobody looked"


def question_of(check: str) -> str:
    """A check that has no question of its own shows its name."""
    return QUESTIONS.get(check, check.replace("_", " ").capitalize())
