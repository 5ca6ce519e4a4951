"""One mailbox is one mailbox, however its address is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.trial_claims import digest_of_email, plainest

LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
DOMAIN = st.sampled_from(["example.org", "firma.example", "gmail.com"])


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada@Example.ORG", "ada@example.org"),
        (" ada+trial2@example.org ", "ada@example.org"),
        ("a.d.a@example.org", "a.d.a@example.org"),
        ("a.d.a+x@gmail.com", "ada@gmail.com"),
        ("ada@googlemail.com", "ada@gmail.com"),
        ("+only@example.org", "+only@example.org"),
        ("...@gmail.com", "...@gmail.com"),
        ('"odd@name"@example.org', '"odd@name"@example.org'),
    ],
)
def test_the_mailbox_behind_an_address(written: str, mailbox: str) -> None:
    assert plainest(written) == mailbox


@given(LOCAL, DOMAIN, LOCAL)
def test_a_tag_and_capitals_lead_to_the_same_mailbox(local: str, domain: str, tag: str) -> None:
    assert digest_of_email(f"{local.upper()}+{tag}@{domain}") == digest_of_email(f"{local}@{domain}")


@given(LOCAL, LOCAL, DOMAIN)
def test_two_mailboxes_are_two(one: str, other: str, domain: str) -> None:
    assert (digest_of_email(f"{one}@{domain}") == digest_of_email(f"{other}@{domain}")) == (one == other)


@given(st.text(max_size=40))
def test_whatever_is_written_has_a_plainest_form_of_its_own(written: str) -> None:
    assert plainest(plainest(written)) == plainest(written)
