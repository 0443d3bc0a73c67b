"""What Italian wants of a day that stands after an article."""

ELIDED = {"il": "l'", "al": "all'", "del": "dell'", "dal": "dall'"}


def with_article(article: str, day: str) -> str:
    """`il 12 settembre`, but `l'8 settembre` and `dell'11 novembre`: both numbers begin with a vowel when they are
    read. An article that is not Italian stands as it is."""
    if article in ELIDED and day.startswith(("8 ", "11 ")):
        return f"{ELIDED[article]}{day}"
    return f"{article} {day}"
