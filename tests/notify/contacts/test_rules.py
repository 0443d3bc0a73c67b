import pytest

from services.notify.contacts.rules import AddressUnusable, mailbox


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("maria@example.org", "maria@example.org"),
        (" maria@example.org\n", "maria@example.org"),
        ("Maria.Rossi+rete@Example.ORG", "Maria.Rossi+rete@example.org"),
        ("info@müller.example", "info@xn--mller-kva.example"),
        ("info@città.example", "info@xn--citt-3na.example"),
        ("màrio@müller.example", "màrio@xn--mller-kva.example"),
    ],
)
def test_an_address_goes_out_in_a_form_that_relays_take(written: str, wire: str) -> None:
    assert mailbox(written) == wire


@pytest.mark.parametrize(
    "unusable",
    [
        "",
        "maria",
        "@example.org",
        "maria@",
        "maria@exa mple.org",
        "maria@example.org\nBcc: x@example.org",
        "a@b@example.org",
        "maria@example.org>",
        "a,b@example.org",
        "maria\x00@example.org",
        "m" * 250 + "@example.org",
        "maria@-example.org",
        "maria@" + "a" * 64 + ".org",
    ],
)
def test_what_cannot_be_one_mailbox_is_refused(unusable: str) -> None:
    with pytest.raises(AddressUnusable):
        mailbox(unusable)
