"""Writing a letter: facts in, subject, text and HTML out.

All kinds share one layout. MJML turns it into the HTML that mail programs understand once, when a `Stationery` is
made; each letter after that only fills in a compiled Jinja template.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mrml
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from activities import wording
from lifecycle.expiring_cards import card_expires_at
from lifecycle.facts import Card
from lifecycle.notifications import Notification, NotificationDue

TEMPLATES = Path(__file__).parent / "templates"
_LINE = "border-top:1px solid #e9ebe6"
_ABOUT_AN_INVOICE = {Notification.PAYMENT_FAILED, Notification.ACTION_REQUIRED}


@dataclass(frozen=True)
class Letter:
    """A letter ready to be put into an envelope; the subject is one line."""

    subject: str
    text: str
    html: str


class Stationery:
    """The product's letter paper: every template compiled, ready to be filled in."""

    def __init__(self, product: str, app_url: str, plan_name: Callable[[str], str]) -> None:
        self._product = product
        self._billing_url = f"{app_url.rstrip('/')}/billing"
        self._plan_name = plan_name
        self._html = _environment(_html_layout(), autoescape=True, row=_html_row, paragraphs=_html_paragraphs)
        self._text = _environment(_source("layout.txt"), autoescape=False, row=_text_row, paragraphs=_text_paragraphs)

    def write(self, due: NotificationDue, name: str | None, now: datetime) -> Letter:
        """Write the letter to the customer called ``name``, whose own time is ``now``."""
        facts = self._facts(due, name) | {"card_is_expired": _is_expired(due, now)}
        days = {fact: wording.day(moment) if moment else None for fact, moment in _moments(due, now).items()}
        unbroken = {fact: text.replace(" ", "\u00a0") if text else None for fact, text in days.items()}
        template = f"{due.kind}.j2"
        subject, _, text = self._text.get_template(template).render(facts, **days).partition("\n")
        html = self._html.get_template(template).render(facts, **unbroken)
        return Letter(" ".join(subject.split()), text.strip() + "\n", html)

    def _facts(self, due: NotificationDue, name: str | None) -> dict[str, Any]:
        """What a template may say besides days (`_moments`); what the letter does not know is ``None``."""
        amount = wording.money(due.amount, due.currency) if due.amount is not None and due.currency else None
        return {
            "product": self._product,
            "salutation": f"Hi {called}," if (called := wording.plain_name(name)) else "Hello,",
            "plan": self._plan_name(due.plan) if due.plan else None,
            "previous_plan": self._plan_name(due.previous_plan) if due.previous_plan else None,
            "seats": str(due.quantity) if due.quantity else None,
            "previous_seats": str(due.previous_quantity) if due.previous_quantity else None,
            "amount": amount,
            "price": _price(due, amount),
            "is_free": due.amount == 0,
            "card": wording.card(due.card_brand, due.card_last4),
            "card_expires": _expiry(due),
            "needs_new_card": bool(due.needs_new_card),
            "refunded": wording.money(due.refunded, due.currency) if due.refunded and due.currency else None,
            "action_url": self._action_url(due),
        }

    def _action_url(self, due: NotificationDue) -> str:
        """The one place a letter leads to: the invoice it is about, else the billing page."""
        if due.kind in _ABOUT_AN_INVOICE and due.invoice_url and due.invoice_url.startswith(("https://", "http://")):
            return due.invoice_url
        return self._billing_url


def _moments(due: NotificationDue, now: datetime) -> dict[str, datetime | None]:
    """The days a template may name. A trial that is over is none, and access is either still there or has ended."""
    until = min((moment for moment in (due.access_until, due.grace_ends_at) if moment), default=None)
    return {
        "trial_ends": due.trial_ends_at if due.trial_ends_at and due.trial_ends_at > now else None,
        "access_until": until if until and until > now else None,
        "access_ended": until if until and until <= now else None,
        "next_charge": due.next_charge_at,
        "next_attempt": due.next_attempt_at,
    }


def _price(due: NotificationDue, amount: str | None) -> str | None:
    """What the plan costs, and what changes that before it is charged; a free plan is called so."""
    if due.amount == 0:
        return "Free"
    if amount is None or due.interval is None:
        return amount
    more = " plus tax" if due.plus_tax else ""
    if due.before_discounts:
        more = " before discounts and tax" if due.plus_tax else " before discounts"
    return f"{amount} per {due.interval}{more}"


def _expiry(due: NotificationDue) -> str | None:
    return wording.month(due.card_exp_month, due.card_exp_year) if due.card_exp_month and due.card_exp_year else None


def _is_expired(due: NotificationDue, now: datetime) -> bool:
    expiry = card_expires_at(Card("", due.card_exp_month, due.card_exp_year))
    return expiry is not None and expiry <= now


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _html_layout() -> str:
    """The layout as HTML, its Jinja marks untouched. No fonts are fetched: a letter loads nothing from outside."""
    return mrml.to_html(_source("layout.mjml"), None, mrml.RenderOptions(fonts={})).content


def _environment(
    layout: str, *, autoescape: bool, row: Callable[[str, str | None], str], paragraphs: Callable[[str], str]
) -> Environment:
    sources = {f"{kind}.j2": _source(f"{kind}.j2") for kind in Notification}
    environment = Environment(
        loader=DictLoader({**sources, "layout": layout}),
        autoescape=autoescape,  # noqa: S701  off for text/plain only
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["row"] = row
    environment.filters["paragraphs"] = paragraphs
    environment.filters["rows"] = _rows
    return environment


def _rows(details: str) -> str:
    """The rows that have a value, without the empty lines of those that have none."""
    return type(details)("\n".join(line for line in details.splitlines() if line.strip()))


def _split(body: str) -> list[str]:
    return [re.sub(r"[ \n]+", " ", part.strip()) for part in re.split(r"\n\s*\n", body.strip())]


def _html_paragraphs(body: str) -> Markup:
    # The body is a rendered block: every fact in it has been escaped already, and escaping again would show.
    return Markup("\n").join(Markup('<p style="margin:0 0 16px">%s</p>') % part for part in map(Markup, _split(body)))


def _text_paragraphs(body: str) -> str:
    return "\n\n".join(_split(body))  # one line a paragraph: the reader's screen decides where it breaks


def _html_row(label: str, value: str | None) -> Markup:
    if not value:
        return Markup("")
    return Markup(  # noqa: S704  made of our own constants; what varies is escaped
        f'<tr><td class="label" style="padding:9px 12px 9px 0;{_LINE};color:#6b7068">%s</td>'
        f'<td class="value" align="right" style="padding:9px 0;{_LINE};color:#1c211b;font-weight:600">%s</td></tr>'
    ) % (escape(label), escape(value))


def _text_row(label: str, value: str | None) -> str:
    return f"{label}: {value}" if value else ""
