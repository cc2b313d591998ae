"""Units' values by a formula, so that another package can be given the very same."""

from models.experiments.sums import Values


def made(units: int, shift: float = 0.0) -> list[Values]:
    """Values that vary, with what is below them and a covariate that has to do with them."""
    found = []
    for at in range(1, units + 1):
        before = (at * 53 % 97) / 10
        found.append(Values((at * 37 % 101) / 10 + shift + 0.5 * before, 1.0 + at * 29 % 4, before))
    return found


def counted_alone(values: list[Values]) -> list[Values]:
    """The same, per unit."""
    return [one._replace(below=1.0) for one in values]
