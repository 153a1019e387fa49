"""The proof that nothing is lost and nothing counted twice, over a broker's topics: `webcare ledger`."""

from agents.ledger.law import Ledger
from agents.ledger.proof import Result, check, check_ledger

__all__ = ["Ledger", "Result", "check", "check_ledger"]
