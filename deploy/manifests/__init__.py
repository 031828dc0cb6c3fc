"""The chart as plain manifests, for those without Helm."""
