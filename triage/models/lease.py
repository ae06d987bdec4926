"""Who acts for the house."""

from django.db import models


class Lease(models.Model):
    """Who may act as the watch. `fence` grows with every holder, so that a stale one can be told."""

    name = models.CharField(max_length=32, unique=True)
    holder = models.CharField(max_length=100, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.fence}"
