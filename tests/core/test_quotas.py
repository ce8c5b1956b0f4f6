"""What a community may have of the disk, and the sentences when much of it is taken."""

from __future__ import annotations

import pytest

from provisioner.core.quotas import (
    GB,
    MB,
    is_filling,
    measure_fill,
    quota_of,
    say_size,
    say_weight,
    warn_of_disk,
    warn_of_quota,
    warn_of_quotas,
)
from provisioner.models.disk import Disk
from tests.core.test_planning import make_community
from tests.fakes import START


def weighed(data, quota=None):
    community = make_community()
    community.data_bytes, community.kept_bytes, community.backup_bytes = data, 2 * MB, 3 * MB
    community.quota_mb = quota
    return community


def disk(used, total=100 * GB, name="one"):
    return Disk(node_id="n", name=name, total=total, free=total - used, looked_at=START)


def test_its_own_quota_counts_before_the_usual_one():
    assert quota_of(weighed(0), 500) == 500
    assert quota_of(weighed(0, quota=0), 500) == 0, "no limit is a choice, too"
    assert quota_of(weighed(0, quota=70), 500) == 70


@pytest.mark.parametrize(
    ("data", "quota", "percent"),
    [(None, 100, None), (50 * MB, 0, None), (0, 100, 0), (80 * MB - 1, 100, 79), (80 * MB, 100, 80),
     (100 * MB, 100, 100), (300 * MB, 100, 300)],
)  # fmt: skip
def test_how_full_it_is(data, quota, percent):
    assert measure_fill(data, quota) == percent


def test_sizes_are_said_as_people_say_them():
    said = [say_size(size) for size in (0, 1, 412_400_000, 9_999 * MB, 41_500 * MB, 2_000 * GB)]
    assert said == ["0 MB", "1 MB", "412 MB", "9,999 MB", "41.5 GB", "2,000.0 GB"]


def test_what_it_takes_is_told_apart():
    assert say_weight(weighed(None), 100) == "not looked at yet"
    assert say_weight(weighed(7 * MB), 0) == (
        "7 MB of data, without a limit; 2 MB kept from before an upgrade; 3 MB of local backups"
    )
    assert "7 MB of data of 100 MB that it may have;" in say_weight(weighed(7 * MB), 100)


def test_the_operator_is_told_how_much_of_what_and_what_to_do():
    assert warn_of_quota(weighed(79 * MB), 100) == ""
    near, full = warn_of_quota(weighed(80 * MB), 100), warn_of_quota(weighed(101 * MB), 100)
    assert "80 MB of the 100 MB that it may have (80 %)" in near
    assert "At 100 % it takes no more photos" in near
    assert "It takes no photos any more; words still fit" in full
    for told in (near, full):
        assert "`./taarafo community quota smith-family MB`" in told


def test_of_many_a_few_are_named_and_the_others_counted():
    fullest = [weighed(90 * MB, 100), weighed(85 * MB, 100)]
    assert len(warn_of_quotas(fullest, 2, 0)) == 2
    assert warn_of_quotas(fullest, 3, 0)[-1].startswith("1 more community has 80 %")
    assert warn_of_quotas(fullest, 9, 0)[-1].startswith("7 more communities have 80 %")
    assert warn_of_quotas([], 0, 0) == []


def test_a_disk_is_told_of_from_four_fifths_on():
    assert not is_filling(disk(79 * GB))
    assert warn_of_disk(disk(79 * GB), 2048) == ""
    told = warn_of_disk(disk(83 * GB), 2048)
    assert told.startswith("The disk of one is 83 % full: 83.0 GB of 100.0 GB.")
    assert "Below 2,048 MB free nothing new is started; below 200 MB" in told
    assert "this machine" in warn_of_disk(disk(83 * GB, name=""), 2048)
