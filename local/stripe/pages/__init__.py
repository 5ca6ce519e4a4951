"""The pages a customer clicks at Stripe: checkout, 3-D Secure, the portal, hosted invoices, receipts.

Server-rendered, without JavaScript, on loopback names only. Each module adds its pages to the :class:`site.Site`.
"""

from typing import TYPE_CHECKING

from . import challenge, checkout, invoice, portal, portal_cards, portal_ending, portal_later, portal_plan
from .site import Site

if TYPE_CHECKING:
    from ..world import World


def site(world: "World") -> Site:
    """All pages over one world; its ``routes`` go into the application."""
    site = Site(world)
    for page in (challenge, checkout, invoice, portal, portal_cards, portal_ending, portal_later, portal_plan):
        page.register(site)
    return site
