"""What is measured of each subject."""

from __future__ import annotations

from .base import Figures, Scenario, Setting
from .http1 import HTTP1

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in [*HTTP1]}

__all__ = ["SCENARIOS", "Figures", "Scenario", "Setting"]
