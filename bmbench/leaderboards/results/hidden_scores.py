"""What may be seen of a submission to a hidden track: noisy scores in steps, nothing by seed or image."""

import hashlib
import hmac
from statistics import NormalDist

import msgspec

from bmbench.leaderboards.results.leakage_budget import WIDTHS, noise_of
from bmbench.leaderboards.results.record import MetricResult, Result
from bmbench.leaderboards.tracks.manifest import Manifest

Z95 = NormalDist().inv_cdf(0.975)


def published(result: Result, manifest: Manifest, salt: bytes) -> Result:
    """A result as everybody may see it; that of a public track is published whole.

    The noise is the same whenever these bytes are scored, so scoring again tells nothing new; another card
    or other predictions have other noise. It is made from the salt of the truth, which is secret until the
    track retires.
    """
    if manifest.truth.visibility == "public":
        return result
    metrics = {name: _noisy(result, name, manifest, salt) for name in result.metrics}
    return msgspec.structs.replace(result, metrics=metrics, rules={}, counts=msgspec.UNSET)


def _noisy(result: Result, name: str, manifest: Manifest, salt: bytes) -> MetricResult:
    one, noise = result.metrics[name], noise_of(manifest)
    if one.value is None:
        return MetricResult(value=None, interval=None, seeds=())
    value = one.value + noise * _normal(_label(result, name), salt)
    step = manifest.truth.step
    seen = min(max(round(round(value / step) * step, 9), 0.0), 1.0)
    if one.interval is None:
        return MetricResult(value=seen, interval=None, seeds=())
    half = max(one.value - one.interval[0], one.interval[1] - one.value)
    wide = (half**2 + (Z95 * noise) ** 2 + (step / 2) ** 2) ** 0.5
    width = next((known for known in WIDTHS if known >= wide), WIDTHS[-1])
    low, high = max(seen - width, 0.0), min(seen + width, 1.0)
    return MetricResult(value=seen, interval=(round(low, 9), round(high, 9)), seeds=())


def _label(result: Result, name: str) -> str:
    card = result.digests.card if result.digests is not None else ""
    return f"noise {result.track} {result.track_version} {result.id} {card} {name}"


def _normal(label: str, salt: bytes) -> float:
    """A standard normal number that nobody without the salt can tell."""
    word = hmac.new(salt, label.encode(), hashlib.sha256).digest()[:8]
    return NormalDist().inv_cdf(((int.from_bytes(word, "big") >> 11) + 0.5) / 2.0**53)
