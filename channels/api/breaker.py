"""A circuit breaker: a server that does not answer is not asked again for a while."""


class Breaker:
    """Opens after `failures_max` failures in a row; then it lets one attempt through every `rest_s`.

    Times are seconds of any steady clock, handed in.
    """

    def __init__(self, failures_max: int, rest_s: float) -> None:
        self._failures_max = failures_max
        self._rest_s = rest_s
        self._failures = 0
        self._next_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether attempts are held back."""
        return self._failures >= self._failures_max

    def allows(self, now_s: float) -> bool:
        """Whether to try now; the caller then says how it went."""
        if not self.is_open:
            return True
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._rest_s
        return True

    def succeeded(self) -> None:
        """The server is there."""
        self._failures = 0

    def failed(self, now_s: float) -> None:
        """It did not answer."""
        self._failures += 1
        if self._failures == self._failures_max:
            self._next_s = now_s + self._rest_s
