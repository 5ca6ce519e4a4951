"""Canceling in the portal, taking it back, pausing and going on (https://docs.stripe.com/customer-management/cancellation-page)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import StripeError
from ..resources import subscription_cancel, subscription_pause, subscriptions
from . import portal_later
from .portal_visit import Visit
from .site import Fields, Site

Object = dict[str, Any]
REASONS = {
    "too_expensive": "It's too expensive",
    "missing_features": "I need more features",
    "switched_service": "I found an alternative",
    "unused": "I no longer need it",
    "customer_service": "Customer service was less than expected",
    "too_complex": "Ease of use was less than expected",
    "low_quality": "Quality was less than expected",
    "other": "Other reason",
}


def register(site: Site) -> None:
    pages = EndingPages(site)
    path = "/p/session/{id}/{subscription}"
    site.get(path + "/cancel", pages.ask)
    site.post(path + "/cancel", pages.cancel)
    site.post(path + "/renew", pages.renew)
    site.get(path + "/pause", pages.ask_pause)
    site.post(path + "/pause", pages.pause)
    site.post(path + "/resume", pages.resume)


class EndingPages:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def ask(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_cancel")
        if subscription["ended_at"] or subscription["cancel_at"]:
            return self.site.message("Canceled already", "There is nothing to cancel.", 200, ("Back", visit.home))
        feature = visit.features["subscription_cancel"]
        asked = feature["cancellation_reason"]
        return visit.page(
            "portal_cancel.html",
            subscription=subscription,
            at_once=_at_once(feature, subscription),
            prorates=feature["proration_behavior"] != "none",
            reasons={one: REASONS[one] for one in asked["options"]} if asked["enabled"] else {},
        )

    def cancel(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_cancel")
        feature = visit.features["subscription_cancel"]
        at_once = _at_once(feature, subscription)
        if subscription["ended_at"] or subscription["cancel_at"]:
            return visit.finish("canceled" if subscription["ended_at"] else "scheduled")
        why = {"feedback": given.get("feedback"), "comment": given.get("comment", "").strip()[:1000]}
        details: Object = {"cancellation_details": {name: value for name, value in why.items() if value}}
        behavior = feature["proration_behavior"]
        with self.world.transaction():
            portal_later.take_back(self.world, subscription)
            if at_once:
                details |= {"prorate": behavior != "none", "invoice_now": behavior == "always_invoice"}
                subscription_cancel.cancel(self.world, subscription["id"], details)
            else:
                subscriptions.update(self.world, subscription["id"], {"cancel_at_period_end": True, **details})
        return visit.finish("canceled" if at_once else "scheduled")

    def renew(self, request: Request, given: Fields) -> Response:
        """Take a cancellation back that has not happened yet."""
        visit = Visit(self.site, request)
        subscription = visit.subscription(request)
        changes: Object = {"cancel_at_period_end": False}
        if not subscription["cancel_at_period_end"]:
            changes = {"cancel_at": ""}
        with self.world.transaction():
            subscriptions.update(self.world, subscription["id"], changes)
        return visit.finish("renewed")

    def ask_pause(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        return visit.page("portal_pause.html", subscription=visit.subscription(request, "subscription_pause"))

    def pause(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_pause")
        if subscription["status"] != "paused":
            with self.world.transaction():
                subscription_pause.pause(self.world, subscription["id"], {})
        return visit.finish("paused")

    def resume(self, request: Request, given: Fields) -> Response:
        """Goes on when the new period is paid."""
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_pause")
        if subscription["status"] == "paused":
            try:
                with self.world.transaction():
                    params = {"payment_behavior": "resume_on_payment_success"}
                    subscription_pause.resume(self.world, subscription["id"], params)
            except StripeError as refusal:
                if refusal.status not in (400, 402):
                    raise
                return self.site.message("Not resumed", str(refusal), 402, ("Back", visit.home))
        return visit.finish("resumed" if subscription["status"] == "active" else "unpaid")


def _at_once(feature: Object, subscription: Object) -> bool:
    """A subscription that was never paid, or is paused, has no period to wait for."""
    return bool(feature["mode"] == "immediately" or subscription["status"] in ("incomplete", "paused", "unpaid"))
