"""The instants of the trace itself, to the nanosecond, at the profile's speed."""

from loadprofiles.profile import Nanoseconds, Profile, ProfileError
from loadprofiles.shapes.recorded import Recorded


def recorded_arrivals(profile: Profile, *, seed: int) -> Nanoseconds:
    """The recorded offsets; only the profile `recorded` has any, and `seed` changes nothing."""
    del seed
    if not isinstance(profile, Recorded):
        raise ProfileError(f"arrivals 'recorded' need the profile 'recorded', not {str(profile)!r}")
    return profile.due_ns()
