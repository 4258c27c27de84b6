"""The knowledge of one site: the rules and value sets, with its local codes and choices."""

import time
from functools import partial
from typing import Any

import structlog

from clinical.codes import Coding
from ivigilant.errors import UnreadablePath, UnusableKnowledge, UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, line_in, load_site
from rules.errors import Fault, RulesError
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource, LivingKnowledge, Settled
from rules.load import load_knowledge

log = structlog.get_logger()


def living_knowledge(settings: Settings, file: SiteFile) -> KnowledgeSource:
    """Return the knowledge; a folder of the hospital's own may be edited while we run."""
    knowledge = site_knowledge(settings, file)
    if settings.knowledge_dir is None:
        return Settled(knowledge)
    load = partial(load_knowledge, settings.knowledge_dir, _local_codes(file), _policy_choices(file))
    return LivingKnowledge(settings.knowledge_dir, load, time.monotonic, _log_change)


def _log_change(knowledge: Knowledge, faults: tuple[Fault, ...]) -> None:
    if faults:
        first = f"{faults[0].file}:{faults[0].line}"
        log.error("knowledge.faulty", faults=len(faults), first=first, kept=knowledge.version)
    else:
        log.info("knowledge.changed", version=knowledge.version)


def _local_codes(file: SiteFile) -> dict[str, list[Coding]]:
    local: dict[str, list[Coding]] = {}
    for code in file.codes:
        local.setdefault(code.value_set, []).append(Coding(code.system, code.code))
    return local


def _policy_choices(file: SiteFile) -> dict[str, Any]:
    return file.policy.model_dump(exclude_none=True)


def site_knowledge(settings: Settings, file: SiteFile | None = None) -> Knowledge:
    """Load the knowledge, with the site's own codes in its value sets, or raise UnusableKnowledge."""
    site = file or load_site(settings.site_file)
    _require_folder(settings)
    codes = site.codes
    try:
        knowledge = load_knowledge(settings.knowledge_dir, _local_codes(site), _policy_choices(site))
    except RulesError as error:
        raise UnusableKnowledge(str(error)) from None
    faults = [
        f"{_place(settings, index)}no value set is called {code.value_set}"
        for index, code in enumerate(codes)
        if code.value_set not in knowledge.terms.codes.names
    ]
    if faults:
        raise UnusableSite("\n".join(faults))
    return knowledge


def _require_folder(settings: Settings) -> None:
    """Report a missing rules folder in one line, not once per missing file."""
    folder = settings.knowledge_dir
    if folder is not None and not (folder / "library").is_dir():
        what = "holds no knowledge: it has no folder called library" if folder.is_dir() else "is not a folder"
        raise UnreadablePath(f"IVIGILANT_KNOWLEDGE_DIR: {folder} {what}")


def _place(settings: Settings, index: int) -> str:
    part = f"codes.{index + 1}.value_set: "
    if settings.site_file is None:
        return part
    return f"{settings.site_file}:{line_in(settings.site_file, ('codes', index, 'value_set'))}: {part}"
