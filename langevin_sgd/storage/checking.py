"""Whether the files of a run agree with its manifest, and if not, from where it can go on."""

import warnings

from .pieces import FINAL, fault, segment_name, state_name, way_out


def consistent(folder, manifest):
    """The manifest up to the last point from which the run can go on."""
    count = len(manifest.segments)
    lost = faults(folder, manifest, deep=False, upto=max(0, count - 1))
    if lost:
        raise ValueError(f"the run cannot go on: {lost[0]}. {way_out(folder / segment_name(1))}")
    reasons = []
    for keep in range(count, max(-1, count - 2), -1):
        kept = manifest._replace(
            segments=manifest.segments[:keep], ends=manifest.ends[: keep + 1], final=None
        )
        wrong = fault(folder / state_name(keep), kept.last["state"], deep=True)
        if keep and wrong is None:
            wrong = fault(folder / segment_name(keep), kept.last["file"], deep=True)
        if wrong is None:
            if manifest.final is not None and not reasons:
                reasons = faults(folder, manifest)
            if reasons:
                warnings.warn(
                    f"{'; '.join(reasons)}. The run goes on from step {kept.last['step']}.",
                    stacklevel=3,
                )
                return kept
            return manifest
        reasons.append(wrong)
    raise ValueError(
        f"the run cannot go on: {'; '.join(reasons)}. Put one of them back from a copy, or "
        "compute the run again in a new "
        f"folder; load({str(folder)!r}, recover=True) reads what is there"
    )


def faults(folder, manifest, deep=True, upto=None):
    """What is wrong with the segments (the last one's SHA-256 too, if `deep`) and the final file."""
    records = manifest.segments[:upto]
    found = [
        fault(folder / segment_name(number), record["file"], deep and number == len(records))
        for number, record in enumerate(records, 1)
    ]
    if deep and manifest.final is not None:
        found.append(fault(folder / FINAL, manifest.final["file"], deep=True))
    return [trouble for trouble in found if trouble]
