"""Conditions on poses that are looked at again and again, and told to the outputs."""

from poseflow.live.triggers.trigger import Trigger, TriggerThread, parse_triggers

__all__ = ["Trigger", "TriggerThread", "parse_triggers"]
