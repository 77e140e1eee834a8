"""What is published is read as anybody reads it."""

import hashlib
from pathlib import Path

import pytest

from releaser.errors import StoreError
from releaser.tools.patience import Patience
from releaser.tools.public import Public
from releaser.tools.s3 import Store
from tests.releaser.web import Answer, Asked, serve

BODY = b"x" * (3 << 20)
DIGEST = hashlib.sha256(BODY).hexdigest()
NOW = Patience(attempts=3, first=0.0)
TORN = Answer(body=b"half", headers={"Content-Length": "8"})


def test_key_is_read_from_the_bucket_without_credentials(store: Store, prefix: str) -> None:
    key = f"{prefix}/ä b+c"
    store.put_new(key, BODY, digest=DIGEST, kind="text/plain", advance=lambda _: None)
    assert Public(base=f"{store.endpoint}/{store.bucket}/").digest(key) == DIGEST


def test_url_quotes_what_a_url_cannot_hold() -> None:
    assert Public(base="http://h/b/").url("a b/c#d?é") == "http://h/b/a%20b/c%23d%3F%C3%A9"


def test_name_that_only_containers_know_is_resolved_for_this_machine() -> None:
    with serve(lambda _: Answer(body=BODY)) as server:
        public = Public(
            base=f"http://nowhere.internal:{server.port}/b", resolve={"nowhere.internal": "127.0.0.1"}
        )
        assert public.digest("k") == DIGEST
        assert [(one.path, one.headers["Host"]) for one in server.asked] == [
            ("/b/k", f"nowhere.internal:{server.port}")
        ]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (403, "allow s3:GetObject to everybody on the prefix (docs/publishing.md"),
        (404, "s3.public_url (URL) must lead to the bucket"),
        (500, "Check that s3.public_url (URL) can be reached"),
    ],
)
def test_key_that_nobody_may_read_is_an_error_with_its_url(status: int, remedy: str) -> None:
    with serve(lambda _: Answer(status=status)) as server:
        with pytest.raises(
            StoreError, match=rf"{server.url}/k cannot be read without credentials: {status}"
        ) as caught:
            Public(base=server.url, patience=NOW).digest("k")
        assert remedy in caught.value.remedy.replace(server.url, "URL")
        assert len(server.asked) == 3


@pytest.mark.parametrize("first", [Answer(status=403), Answer(status=503), Answer(status=0), TORN])
def test_key_that_is_shown_late_or_breaks_off_is_read_again_from_the_start(
    first: Answer, tmp_path: Path
) -> None:
    answers = [first, first]
    with serve(lambda _: answers.pop() if answers else Answer(body=BODY)) as server:
        assert Public(base=server.url, patience=NOW).save("k", tmp_path / "k") == DIGEST
        assert (tmp_path / "k").read_bytes() == BODY


def test_host_that_does_not_answer_names_the_setting() -> None:
    public = Public(base="http://no-such-host.invalid/b", patience=NOW)
    with pytest.raises(StoreError, match=r"no-such-host\.invalid/b/k cannot be read") as caught:
        public.digest("k")
    assert "s3.public_url (http://no-such-host.invalid/b)" in caught.value.remedy


def test_answer_that_breaks_off_is_an_error() -> None:
    with (
        serve(lambda _: TORN) as server,
        pytest.raises(StoreError, match="cannot be read without credentials"),
    ):
        Public(base=server.url, patience=NOW).digest("k")


def test_compressed_transfer_is_not_asked_for() -> None:
    with serve(lambda _: Answer(body=BODY)) as server:
        Public(base=server.url).digest("k")
        assert server.asked[0].headers["Accept-Encoding"] == "identity"


def test_credentials_of_the_user_are_sent_neither_first_nor_after_a_redirect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login admin password s3cret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def answer(asked: Asked) -> Answer:
        return Answer(status=302, headers={"Location": "/there"}) if asked.path == "/k" else Answer(body=BODY)

    with serve(answer) as server:
        assert Public(base=server.url).digest("k") == DIGEST
        assert [one.path for one in server.asked] == ["/k", "/there"]
        assert not [one for one in server.asked if "Authorization" in one.headers]


def test_redirect_to_another_host_names_that_host() -> None:
    with serve(lambda _: Answer(body=BODY)) as there:
        target = f"http://localhost:{there.port}/there"
        with serve(lambda _: Answer(status=302, headers={"Location": target})) as here:
            assert Public(base=here.url).digest("k") == DIGEST
        assert there.asked[0].headers["Host"] == f"localhost:{there.port}"
