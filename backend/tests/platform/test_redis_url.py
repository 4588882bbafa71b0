"""Where Redis is, as settings say it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reqtrail.platform.redis_url import RedisPlace, read_redis_url
from reqtrail.platform.settings import Settings


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://r:6380/2", RedisPlace("single", (("r", 6380),), False, "", 2, None, None)),
        ("rediss://u:p%40@r", RedisPlace("single", (("r", 6379),), True, "", 0, "u", "p@")),
        ("unix:///run/v.sock?db=3", RedisPlace("single", (), False, "", 3, None, None)),
        (
            "redis+sentinel://:secret@a,b:1/main/4",
            RedisPlace("sentinel", (("a", 26379), ("b", 1)), False, "main", 4, None, "secret"),
        ),
        (
            "rediss+cluster://[::1]:7000,b",
            RedisPlace("cluster", (("::1", 7000), ("b", 6379)), True, "", 0, None, None),
        ),
    ],
)
def test_what_a_url_says(url: str, place: RedisPlace) -> None:
    assert read_redis_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://r",
        "redis://",
        "redis://r/notanumber",
        "redis+sentinel://a,b",
        "redis+cluster://a,,b",
        "redis+cluster://a/name",
        "redis+cluster://a/1",
        "redis+cluster://a:notaport",
    ],
)
def test_what_is_no_redis_is_refused_with_the_forms(url: str) -> None:
    with pytest.raises(ValueError, match="redis"):
        read_redis_url(url)
    with pytest.raises(ValidationError, match="redis"):
        Settings(redis_url=url)
