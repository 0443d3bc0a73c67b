"""What a mandate lets somebody be, and how sure we are who somebody is."""

from enum import IntEnum, StrEnum


class Role(StrEnum):
    """Roles come from mandates. The platform's administrators have no mandate: they are a claim of the token."""

    SECRETARIAT = "secretariat"
    COORDINATOR = "coordinator"
    REFERENT = "referent"
    REPRESENTATIVE = "representative"
    DELEGATE = "delegate"
    MEMBER = "member"
    COMMUNITY_MAKER = "community_maker"


class Level(IntEnum):
    """How the caller proved who they are; a higher level includes the lower ones."""

    KEY = 0
    LINK = 1
    MAILBOX = 2
    OIDC = 3

    @classmethod
    def named(cls, name: str) -> "Level":
        return cls[name.upper()]

    @property
    def label(self) -> str:
        return self.name.lower()
