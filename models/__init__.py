"""How a candidate is scored and how that is learnt."""
