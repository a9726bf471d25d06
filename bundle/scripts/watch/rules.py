"""Which studies are fused."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from scripts.data.errors import BadInputError
from scripts.data.shown_words import shown_words


class Rules:
    """Rules about studies. What the series must be is decided later, from their headers.

    Args:
        from_titles: application entity titles that send studies to be fused. Defaults to None (all).
        study_descriptions: patterns such as "*brain*", one of which the description of a study must match; upper and
            lower case are the same. Defaults to None (all).
        leave_out_descriptions: patterns that it must not match. Defaults to None (no pattern).

    Raises:
        BadInputError: a rule is not a list of texts.
    """

    def __init__(
        self,
        from_titles: Sequence[str] | None = None,
        study_descriptions: Sequence[str] | None = None,
        leave_out_descriptions: Sequence[str] | None = None,
    ) -> None:
        given = {
            "from_titles": from_titles,
            "study_descriptions": study_descriptions,
            "leave_out_descriptions": leave_out_descriptions,
        }
        for name, value in given.items():
            listed = value is None or isinstance(value, (list, tuple))
            if not listed or not all(isinstance(one, str) and one.strip() for one in value or ()):
                raise BadInputError(f"--{name} is {value!r}, expected a list of texts such as \"['…','…']\".")
        self.from_titles = [title.strip() for title in from_titles or ()]
        self.study_descriptions = [pattern.casefold() for pattern in study_descriptions or ()]
        self.leave_out_descriptions = [pattern.casefold() for pattern in leave_out_descriptions or ()]

    @property
    def ask_for_description(self) -> bool:
        """Whether the description of a study counts."""
        return bool(self.study_descriptions or self.leave_out_descriptions)

    def refusal(self, description: str, titles: Sequence[str] | None = None) -> str | None:
        """Return why a study is left alone, or None.

        Args:
            description: Study Description.
            titles: application entity titles that it came from; None if not known.
        """
        text = description.strip().casefold()
        shown = shown_words(description) or "none"
        if self.from_titles and titles is not None and not set(titles) & set(self.from_titles):
            return f"it came from {', '.join(titles) or 'an unknown sender'}, which --from_titles does not name"
        if self.study_descriptions and not any(fnmatchcase(text, one) for one in self.study_descriptions):
            return f'its description ("{shown}") matches none of --study_descriptions'
        found = [one for one in self.leave_out_descriptions if fnmatchcase(text, one)]
        return f'its description ("{shown}") matches "{found[0]}" of --leave_out_descriptions' if found else None
