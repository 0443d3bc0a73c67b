"""The rights that people have over what is kept of them (GDPR art. 15, 17, 20), alike in every service.

A service lists what it holds of people (`Held`, one line for each column that names somebody) and says how a name is
taken out of its projection; what is here counts, exports and forgets along that list, and answers the registry's
questions. No table and no rule of any service is here: only the plumbing that five services would write alike.
"""

from shared.rights.answering import Answerer, Hidden, Holder, answer, find, give
from shared.rights.everywhere import EVERYWHERE
from shared.rights.holdings import Held, of_row
from shared.rights.words import Ground, Outcome, Phase

__all__ = [
    "EVERYWHERE",
    "Answerer",
    "Ground",
    "Held",
    "Hidden",
    "Holder",
    "Outcome",
    "Phase",
    "answer",
    "find",
    "give",
    "of_row",
]
