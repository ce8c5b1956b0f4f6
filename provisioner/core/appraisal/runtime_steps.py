"""Steps 9 to 15: whether what was measured is what the release lists."""

from __future__ import annotations

import json
from collections.abc import Iterator

from provisioner.core.appraisal.contract import Contract, engine_made_lines
from provisioner.core.appraisal.examination import Examination, Subject
from provisioner.core.appraisal.full_pass import judge_full_pass
from provisioner.core.appraisal.rights import find_excess
from provisioner.core.appraisal.tree import changed_lines, put_together
from provisioner.core.appraisal.wording import count
from provisioner.models.evidence import UNMEASURED, ContainerSeen, hash_command, hash_value
from provisioner.models.manifest import root_of
from provisioner.models.verdict import Finding, Outcome

# Variables that the engine itself sets in every container where nobody else does.
_ENGINE_VARIABLES = frozenset({"HOME", "HOSTNAME", "TERM"})
_ANY_VALUE: frozenset[str] = frozenset()
_ENGINE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILTERED = 2  # prctl(2) PR_GET_SECCOMP


def check_service(it: Examination) -> Iterator[Finding]:
    """9. Every service of the release runs, and only from its own image."""
    parts = it.release.recipe.parts
    for seen in it.evidence.containers:
        if seen.service not in parts:
            detail = f"The service {seen.service} is not in the release."
            yield Finding("service", Outcome.MODIFIED, detail)
        elif subject := it.find_subject(seen):
            it.subjects.append(subject)
        else:
            detail = f"The service {seen.service} runs an image that the release does not list."
            yield Finding("service", Outcome.MODIFIED, detail)
    if not it.subjects:
        detail = "The report shows nothing of the release running."
        yield Finding("service", Outcome.UNVERIFIABLE, detail)
        return
    it.subjects.sort(key=lambda subject: subject.seen.service)
    for name in _find_absent(it):
        detail = f"The service {name} of the release is not in the report."
        yield Finding("service", Outcome.UNVERIFIABLE, detail)
    for subject in it.subjects:
        yield _check_command(subject)


def check_files(it: Examination) -> Iterator[Finding]:
    """10. Every measured file is the one that the release lists, and was read not long ago."""
    for subject in it.subjects:
        age, late = judge_full_pass(subject.seen.tree.full_pass, it.now)
        try:
            yield from _check_tree(subject, age)
        except ValueError:
            detail = "The report lists differences that cannot be read."
            yield Finding("files", Outcome.REJECTED, detail)
        if late:
            yield late


def check_mounts(it: Examination) -> Iterator[Finding]:
    """11. Nothing is mounted over the files but what the app contract permits."""
    for subject in it.subjects:
        if subject.refused:
            detail = "Something is mounted that the release does not permit."
            yield Finding("mounts", Outcome.MODIFIED, detail, subject.refused)
        else:
            detail = f"All {count(len(subject.seen.mounts), 'mount')} are permitted."
            yield Finding("mounts", Outcome.GENUINE, detail)


def check_settings(it: Examination) -> Iterator[Finding]:
    """12. The settings files are the ones that were written for this community."""
    for subject in it.subjects:
        wanted = subject.contract.settings
        seen, declared = subject.seen.settings, subject.seen.declared
        wrong = [p for p in wanted if not _is_measured(seen.get(p), declared.get(p))]
        if wrong:
            detail = "Settings files differ from what was written for this community."
            yield Finding("settings", Outcome.MODIFIED, detail, tuple(wrong))
        elif not wanted:
            yield Finding("settings", Outcome.GENUINE, "It has no settings files.")
        elif any(path not in declared for path in wanted):
            detail = "Settings files are there. Nothing was published to compare them with."
            yield Finding("settings", Outcome.GENUINE, detail)
        else:
            detail = f"{count(len(wanted), 'settings file')} as written for this community."
            yield Finding("settings", Outcome.GENUINE, detail)


def check_processes(it: Examination) -> Iterator[Finding]:
    """13. Only programs of the release run, and none was started from outside."""
    for subject in it.subjects:
        processes = subject.seen.processes
        entered = tuple(each.program for each in processes if each.entered)
        foreign = tuple(
            each.program
            for each in processes
            if _listed_content(subject, each.program) != each.program_sha256
        )
        if not processes:
            yield Finding("processes", Outcome.UNVERIFIABLE, "No running program was seen.")
        if foreign:
            detail = "Programs run that the release does not list."
            yield Finding("processes", Outcome.MODIFIED, detail, foreign)
        if entered:
            detail = "Programs run that somebody started from outside."
            yield Finding("processes", Outcome.MODIFIED, detail, entered)
        gone = subject.seen.execs - sum(each.count for each in processes if each.entered)
        if gone > 0:
            programs = count(gone, "program was", "programs were")
            detail = f"Somebody was inside since it started: {programs} started from outside."
            yield Finding("processes", Outcome.MODIFIED, detail)
        if processes and not foreign and not entered and gone <= 0:
            total = count(sum(each.count for each in processes), "running program")
            yield Finding("processes", Outcome.GENUINE, f"{total}, all from the release.")


def check_confinement(it: Examination) -> Iterator[Finding]:
    """14. It has no rights but those of the release, and cannot change its own files."""
    for subject in it.subjects:
        faults = list(_find_faults(subject.seen, subject.contract))
        yield from faults or [_describe_confinement(subject.seen, subject.contract)]


def check_environment(it: Examination) -> Iterator[Finding]:
    """15. It was started with all variables of the release, those of the engine, and no other."""
    for subject in it.subjects:
        known = _known_variables(it, subject)
        if known is None:
            detail = "The release does not list variables, so they were not compared."
            yield Finding("environment", Outcome.GENUINE, detail)
            continue
        seen = subject.seen.environment
        absent = _required_variables(subject) - seen.keys()
        strange = {name for name in seen if not _is_known(known.get(name), seen[name])}
        wrong = sorted(absent | strange)
        if wrong:
            detail = f"Variables differ from the release: {', '.join(wrong)}."
            yield Finding("environment", Outcome.MODIFIED, detail)
        else:
            detail = f"It was started with the variables of the release.{_say_free(subject)}"
            yield Finding("environment", Outcome.GENUINE, detail)


def _is_measured(seen: str | None, declared: str | None) -> bool:
    """Whether a hash was measured, and is the declared one where one was declared."""
    return seen is not None and seen not in UNMEASURED and declared in (None, seen)


def _find_faults(seen: ContainerSeen, contract: Contract) -> Iterator[Finding]:
    excess = find_excess(seen.capabilities, contract.capabilities)
    strangers = sorted(set(seen.users) - {contract.user})
    if excess:
        detail = "It has rights on this machine that the release does not ask for: "
        yield Finding("confinement", Outcome.MODIFIED, f"{detail}{', '.join(excess)}.")
    if strangers:
        detail = f"It runs as {_name_user(strangers[0])}, which the release does not ask for."
        yield Finding("confinement", Outcome.MODIFIED, detail)
    groups = sorted(group for group in set(seen.groups) if not contract.permits_group(group))
    if groups:
        detail = f"It is in {_name_group(groups[0])}, which the release does not ask for."
        yield Finding("confinement", Outcome.MODIFIED, detail)
    if not seen.read_only_root:
        detail = "It could change its own files."
        yield Finding("confinement", Outcome.MODIFIED, detail, ("/",))
    if seen.seccomp != _FILTERED:
        detail = "The filter on what it may ask of the kernel is off."
        yield Finding("confinement", Outcome.MODIFIED, detail)


def _describe_confinement(seen: ContainerSeen, contract: Contract) -> Finding:
    detail = f"{_describe_rights(contract)} and cannot change its own files."
    if not seen.no_new_privileges:
        detail += " The kernel would let it gain rights from a program that gives them."
    if seen.ways_out >= 0:
        detail += f" Its network has {'a' if seen.ways_out else 'no'} way out."
    return Finding("confinement", Outcome.GENUINE, detail)


def _known_variables(it: Examination, subject: Subject) -> dict[str, frozenset[str]] | None:
    """Hashes of the values that each variable may have, where an empty set stands for every
    value. None when the release does not tell."""
    if subject.image.environment is None:
        return None
    pairs = (line.partition("=") for line in subject.image.environment)
    values = {"PATH": _ENGINE_PATH, **{name: value for name, _, value in pairs}}
    values |= subject.contract.environment
    permitted = dict.fromkeys(_ENGINE_VARIABLES, _ANY_VALUE)
    permitted |= {name: frozenset({hash_value(value)}) for name, value in values.items()}
    for name, choices in subject.contract.choices.items():
        permitted[name] = frozenset(hash_value(it.fill_in(value)) for value in choices)
    return permitted


def _required_variables(subject: Subject) -> set[str]:
    """Those that have to be there: all that the release sets or leaves to the operator."""
    named = {line.partition("=")[0] for line in subject.image.environment or ()}
    return named | set(subject.contract.environment) | set(subject.contract.choices)


def _is_known(permitted: frozenset[str] | None, digest: str) -> bool:
    return permitted is not None and (permitted == _ANY_VALUE or digest in permitted)


def _say_free(subject: Subject) -> str:
    """Which variables were not compared, because the release leaves them to the operator."""
    free = (name for name, choices in subject.contract.choices.items() if not choices)
    names = ", ".join(sorted(free))
    return f" The operator decides the value of {names}." if names else ""


def _name_user(user: int) -> str:
    return "root" if user == 0 else f"user {user}"


def _name_group(group: int) -> str:
    return "root's group" if group == 0 else f"group {group}"


def _describe_rights(contract: Contract) -> str:
    """The beginning of a sentence: what the release grants, when nothing else was seen."""
    if contract.user != 0 and not contract.capabilities:
        return "It has no special rights"
    user = "It runs as root" if contract.user == 0 else "It runs"
    rights = " and ".join(contract.capabilities) or "no special rights"
    return f"{user} with {rights}, as the release says,"


def _find_absent(it: Examination) -> list[str]:
    """Services that no host shows. It is asked once, of all hosts together."""
    if not it.is_whole:
        return []
    shown = {subject.seen.service for subject in it.subjects}
    shown |= {seen.service for other in it.others for seen in other.evidence.containers}
    return sorted(it.release.recipe.parts.keys() - shown)


def _check_command(subject: Subject) -> Finding:
    command = subject.contract.becomes or subject.image.entrypoint + subject.contract.command
    if command and hash_command(command) != subject.seen.command_sha256:
        detail = "It was started with another command than the release names."
        return Finding("service", Outcome.MODIFIED, subject.say(detail))
    if subject.image.workdir and subject.seen.workdir != subject.image.workdir:
        detail = "It was started in another folder than the release names."
        return Finding("service", Outcome.MODIFIED, subject.say(detail))
    detail = f"The service {subject.seen.service} runs an image of the release."
    return Finding("service", Outcome.GENUINE, detail)


def _check_tree(subject: Subject, age: str) -> Iterator[Finding]:
    tree = subject.seen.tree
    if tree.base != root_of(subject.manifest.text):
        detail = "The agent compared the files with another list than the release's."
        yield Finding("files", Outcome.UNVERIFIABLE, detail)
        return
    unseen = tuple(each.path for each in tree.left_out if each.path not in subject.permitted)
    if unseen:
        detail = "The agent could not look at all files."
        yield Finding("files", Outcome.UNVERIFIABLE, detail, unseen)
    differing = _find_differing(subject)
    if differing or tree.unlisted:
        more = f" and {tree.unlisted} more" if tree.unlisted else ""
        verb = "differs" if len(differing) == 1 and not more else "differ"
        detail = f"{count(len(differing), 'path')}{more} {verb} from the release."
        yield Finding("files", Outcome.MODIFIED, detail, differing)
    if unseen or tree.unlisted:
        return
    if put_together(subject.manifest, tree) != tree.root:
        detail = "The report contradicts itself: its differences do not add up."
        yield Finding("files", Outcome.REJECTED, detail)
    elif not differing:
        skipped = ", ".join(each.path for each in tree.left_out)
        detail = f"All {tree.count} measured paths match the release. Not looked at: {skipped}."
        yield Finding("files", Outcome.GENUINE, detail + age)


def _find_differing(subject: Subject) -> tuple[str, ...]:
    """Paths that differ, without what the engine adds to every container."""
    added = engine_made_lines(subject.permitted)
    changed = (
        path
        for path, line in changed_lines(subject.seen.tree).items()
        if _differs(line, subject.find_line(path), added)
    )
    missing = (path for path in subject.seen.tree.missing if subject.find_line(path))
    return tuple(sorted({*changed, *missing}))


def _differs(line: bytes, listed: bytes | None, added: frozenset[bytes]) -> bool:
    return line not in added if listed is None else line != listed


def _listed_content(subject: Subject, path: str) -> str | None:
    line = subject.find_line(path)
    if line is None:
        return None
    _, kind, *_, content = json.loads(line)
    return str(content) if kind == "f" else None
