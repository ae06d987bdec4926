"""Who may use the API: tokens, and the power that each endpoint names."""

import hashlib
from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tickets.models import ApiToken
from tickets.roles import powers_of


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; only the token's SHA-256 is kept."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        scheme, _, value = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        found = ApiToken.objects.filter(digest=digest_of(value.strip()), revoked_at__isnull=True)
        token = found.select_related("user").first()
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed("This token is not valid.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasPower(BasePermission):
    """Checks the power that the view names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.power in powers_of(request.user)


def digest_of(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()
