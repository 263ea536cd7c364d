"""A stand-in for WeCom and the Official Account: the real protocol, the real API, and phones in a browser."""

from bot.simulator.delivery import Exchange, Slow
from bot.simulator.platform import Platform
from bot.simulator.world import Bubble, Person

__all__ = ["Bubble", "Exchange", "Person", "Platform", "Slow"]
