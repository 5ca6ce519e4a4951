"""What a credit note credits, line by line (https://docs.stripe.com/api/credit_notes/line_item)."""

from fractions import Fraction
from typing import Any

from ..protocol.errors import invalid, missing
from ..world import World
from .reductions import rounded

Object = dict[str, Any]


def lines_of(world: World, invoice: Object, params: Object) -> list[Object]:
    """As the call names them; a bare amount is one line."""
    if "lines" in params:
        return [_line(world, invoice, entry, f"lines[{n}]") for n, entry in enumerate(params["lines"])]
    if "amount" in params:
        return [_new(world, params["amount"], "Credit", type="custom_line_item", unit=str(params["amount"]))]
    raise invalid("You must pass either lines or amount.", "amount", "parameter_missing")


def _line(world: World, invoice: Object, entry: Object, param: str) -> Object:
    if entry["type"] == "custom_line_item":
        return _custom(world, entry, param)
    billed = next((one for one in invoice["lines"]["data"] if one["id"] == entry.get("invoice_line_item")), None)
    if billed is None:
        raise missing("invoice line item", entry.get("invoice_line_item", ""), f"{param}[invoice_line_item]")
    if ("amount" in entry) is ("quantity" in entry):
        raise invalid("You must pass exactly one of amount and quantity.", f"{param}[quantity]")
    share = _share(billed, entry)
    if not 0 < share <= 1:
        raise invalid("You can't credit more of a line than was billed.", param)
    line = _new(
        world,
        rounded(billed["amount"] * share),
        entry.get("description", billed["description"]),
        type="invoice_line_item",
        unit=(billed["pricing"] or {}).get("unit_amount_decimal"),
        quantity=entry.get("quantity"),
        metadata=entry.get("metadata", {}),
    )
    line["invoice_line_item"] = billed["id"]
    line["discount_amounts"] = [
        {"amount": rounded(one["amount"] * share), "discount": one["discount"]} for one in billed["discount_amounts"]
    ]
    line["pretax_credit_amounts"] = [{**one, "type": "discount"} for one in line["discount_amounts"]]
    line["discount_amount"] = sum(one["amount"] for one in line["discount_amounts"])
    return line


def _share(billed: Object, entry: Object) -> Fraction:
    if "quantity" in entry:
        return Fraction(entry["quantity"], billed["quantity"] or 1)
    return Fraction(entry["amount"], billed["amount"] or 1)


def _custom(world: World, entry: Object, param: str) -> Object:
    unit = str(entry.get("unit_amount", entry.get("unit_amount_decimal", "")))
    if not unit or "description" not in entry:
        message = "A custom line item takes a description and unit_amount or unit_amount_decimal."
        raise invalid(message, f"{param}[unit_amount]", "parameter_missing")
    quantity = entry.get("quantity", 1)
    amount = rounded(Fraction(unit) * quantity)
    given = {"type": "custom_line_item", "unit": unit, "quantity": quantity, "metadata": entry.get("metadata", {})}
    return _new(world, amount, entry["description"], **given)


def _new(world: World, amount: int, description: str | None, *, type: str, unit: str | None, **given: Any) -> Object:
    whole = unit is not None and Fraction(unit).denominator == 1
    return {
        "id": world.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "pretax_credit_amounts": [],
        "quantity": given.get("quantity", 1 if type == "custom_line_item" else None),
        "tax_rates": [],
        "taxes": [],
        "type": type,
        "unit_amount": int(Fraction(unit)) if unit is not None and whole else None,
        "unit_amount_decimal": unit,
    }
