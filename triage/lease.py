"""One holder at a time: a lease in the database with a fencing number that grows with every holder."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from triage.models import Lease


class Held:
    """A lease that this process may hold. `keep()` takes or renews it; False: somebody else has it."""

    def __init__(self, name: str, holder: str, seconds: float) -> None:
        self._name, self._holder, self._span = name, holder, timedelta(seconds=seconds)
        self.fence: int | None = None

    def keep(self) -> bool:
        """Takes the lease when it is free or run out, renews it when it is ours. Conditional updates decide."""
        now = timezone.now()
        if self.fence is not None:
            mine = Lease.objects.filter(name=self._name, holder=self._holder, fence=self.fence)
            if mine.update(until=now + self._span):
                return True
            self.fence = None
        Lease.objects.get_or_create(name=self._name, defaults={"until": now - self._span})
        free = Lease.objects.filter(name=self._name, until__lte=now)
        if free.update(holder=self._holder, fence=F("fence") + 1, until=now + self._span):
            self.fence = Lease.objects.values_list("fence", flat=True).get(name=self._name, holder=self._holder)
            return True
        return False

    def release(self) -> None:
        """Lets the next one in at once."""
        if self.fence is not None:
            Lease.objects.filter(name=self._name, holder=self._holder, fence=self.fence).update(until=timezone.now())
            self.fence = None
