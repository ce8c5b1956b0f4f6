"""What this machine's Docker keeps: images, and what is left of jobs that ended."""

from __future__ import annotations

from contextlib import suppress

from docker.errors import APIError

from provisioner.adapters.docker_api import SERVICE_LABEL, DockerApi, translated, unless_missing
from provisioner.models.service import LocalImage

JOB_LABEL = "org.taarafo.job"
ENDED_STATES = frozenset({"exited", "dead"})  # of a container


class Images(DockerApi):
    """The part of the port `Engine` that makes room."""

    def list_images(self) -> list[LocalImage]:
        with translated():
            containers = self._api.containers(all=True)
            used = {c["ImageID"] for c in containers if c["State"] not in ENDED_STATES}
            return [
                LocalImage(
                    id=image["Id"],
                    references=(*(image["RepoDigests"] or ()), *(image["RepoTags"] or ())),
                    is_used=image["Id"] in used,
                )
                for image in self._api.images()
            ]

    def list_service_images(self) -> set[str]:
        with translated():
            specs = [service["Spec"]["TaskTemplate"] for service in self._api.services()]
        return {spec["ContainerSpec"]["Image"] for spec in specs if "ContainerSpec" in spec}

    def remove_image(self, reference: str) -> bool:
        """Forced, as Swarm keeps containers of tasks that ended long ago, which use nothing."""
        with translated():
            try:
                unless_missing(lambda: self._api.remove_image(reference, force=True))
            except APIError as error:
                if error.status_code != 409:
                    raise
                return False
        return True

    def remove_images(self, prefix: str) -> None:
        """Every image whose reference starts so; those in use stay."""
        with translated():
            for image in self._api.images():
                names = [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]
                if any(name.startswith(prefix) for name in names):
                    with suppress(APIError):
                        self._api.remove_image(image["Id"], force=True)

    def clear_ended(self) -> int:
        """Docker keeps the container of a job for good, also when the job is removed."""
        with translated():
            here = {s["Spec"]["Name"] for s in self._api.services()}
            ended = self._api.containers(
                all=True, filters={"label": JOB_LABEL, "status": sorted(ENDED_STATES)}
            )
            left = [c for c in ended if c["Labels"].get(SERVICE_LABEL) not in here]
            for container in left:
                with suppress(APIError):  # Docker removes it just now, or it is tried again
                    self._api.remove_container(container["Id"])
        return len(left)
