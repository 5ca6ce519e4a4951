"""Checks recorded JSON against stripe-python's own types: every field known, present when required, rightly typed.

``complaints(recorded)`` takes what ``GET /_local/recorded`` answers and returns one sentence for each fault.
"""

import ast
import importlib
import inspect
import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal, NotRequired, Required, Union

from stripe import ListObject
from stripe._object_classes import get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import is_typeddict

from tests.local_stripe.presence import optional

SCALARS: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,), Decimal: (str,)}


def complaints(recorded: dict[str, Any]) -> list[str]:
    """Distinct faults of all objects and requests, each naming where it was seen."""
    found: dict[str, None] = {}
    for seen in recorded["objects"]:
        for fault in object_faults(seen["object"], seen["object"].get("object", "?")):
            found[f"{fault} (from {seen['from']})"] = None
    for request in recorded["requests"]:
        for fault in request_faults(request["params_type"], request["params"]):
            found[f"{request['operation']}: {fault}"] = None
    return list(found)


def object_faults(value: dict[str, Any], at: str) -> list[str]:
    """Faults of one Stripe object, of a list of them, or of a deleted one."""
    kind = value.get("object")
    if kind in ("list", "search_result"):
        return [fault for one in value["data"] for fault in object_faults(one, one["object"])]
    if kind == "discount" and value.get("deleted") is True:
        value = {**value, "end": None}
    elif value.get("deleted") is True:
        extra = value.keys() - {"id", "object", "deleted"}
        return [f"{at}: a deleted object shows {sorted(extra)}"] if extra else []
    known = get_object_class("V1", kind or "")
    if known is StripeObject:
        return [f"{at}: unknown object {kind!r}"]
    faults = _class_faults(known, value, at)
    if kind == "event":
        faults += _event_faults(value)
    return faults


def _event_faults(event: dict[str, Any]) -> list[str]:
    subject = event["data"]["object"]
    faults = object_faults(subject, f"{event['type']}>{subject['object']}")
    known = _hints(get_object_class("V1", subject["object"]))
    previous = event["data"].get("previous_attributes", {})
    return faults + [f"{event['type']}: previous_attributes has {key}" for key in previous if key not in known]


def request_faults(name: str | None, params: dict[str, Any]) -> list[str]:
    if name is None:
        return [f"takes no parameters, got {sorted(params)}"] if params else []
    module, _, type_name = name.rpartition(".")
    return _value_faults(getattr(importlib.import_module(module), type_name), params, type_name)


@cache
def _hints(known: type) -> dict[str, Any]:
    """Field → type of a class or TypedDict, with the names that its module imports only for type checkers."""
    names: dict[str, Any] = {}
    for one in inspect.getmro(known) if not is_typeddict(known) else (known,):
        if one.__module__.startswith("stripe"):
            names.update(_checking_names(one.__module__))
    hints = typing.get_type_hints(known, localns=names, include_extras=True)
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar and name[0] != "_"}


@cache
def _checking_names(module_name: str) -> dict[str, Any]:
    module = importlib.import_module(module_name)
    names: dict[str, Any] = {"StripeContext": Any, **vars(typing)}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stripe"):
            source = importlib.import_module(node.module)
            for alias in node.names:
                if hasattr(source, alias.name):
                    names[alias.asname or alias.name] = getattr(source, alias.name)
    return names


def _class_faults(known: type, value: dict[str, Any], at: str) -> list[str]:
    hints = _hints(known)
    faults = [f"{at}.{name}: not a field of {known.__qualname__}" for name in value if name not in hints]
    may_be_absent = optional(known)
    for name, hint in hints.items():
        if may_be_absent is None:
            absent, null = type(None) in _options(hint), True
        else:
            absent, null = name in may_be_absent, may_be_absent.get(name, True)
        if name not in value:
            faults += [] if absent or name == "deleted" else [f"{at}.{name}: missing"]
        elif value[name] is None and not null:
            faults.append(f"{at}.{name}: null, where it may only be absent")
        else:
            faults += _value_faults(hint, value[name], f"{at}.{name}")
    return faults


def _typed_dict_faults(known: type, value: dict[str, Any], at: str) -> list[str]:
    hints = _hints(known)
    faults = [f"{at}.{name}: not a parameter" for name in value if name not in hints]
    for name, hint in hints.items():
        optional = typing.get_origin(hint) is NotRequired
        inner = typing.get_args(hint)[0] if typing.get_origin(hint) in (NotRequired, Required) else hint
        if name in value:
            faults += _value_faults(inner, value[name], f"{at}.{name}")
        elif not optional:
            faults.append(f"{at}.{name}: missing")
    return faults


def _options(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        return [option for one in typing.get_args(hint) for option in _options(one)]
    return [hint]


def _value_faults(hint: Any, value: Any, at: str) -> list[str]:
    """No fault when any of the hint's options fits; else those of the option that comes nearest."""
    options = _options(hint)
    literals = [one for one in options if typing.get_origin(one) is Literal]
    if any(choice for one in literals for choice in typing.get_args(one)) and str in options:
        # `Literal[...] | str` is the SDK being open to the future; what we show must be known today.
        options = [one for one in options if one is not str]
    tries = [_option_faults(one, value, at) for one in options]
    return min(tries, key=len) if tries else []


def _option_faults(hint: Any, value: Any, at: str) -> list[str]:
    origin = typing.get_origin(hint)
    wrong = [f"{at}: {value!r:.80} is not {getattr(hint, '__name__', hint)}"]
    if hint is Any:
        return []
    if hint is type(None) or value is None:
        return [] if hint is type(None) and value is None else wrong
    if origin is Literal:
        return [] if value in typing.get_args(hint) else wrong
    if hint in SCALARS:
        fits = isinstance(value, SCALARS[hint]) and (hint is bool or not isinstance(value, bool))
        return [] if fits else wrong
    if origin is list:
        if not isinstance(value, list):
            return wrong
        (item,) = typing.get_args(hint)
        return [fault for n, one in enumerate(value) for fault in _value_faults(item, one, f"{at}[{n}]")]
    if not isinstance(value, dict):
        return wrong
    return _hash_faults(hint, origin, value, at)


def _hash_faults(hint: Any, origin: Any, value: dict[str, Any], at: str) -> list[str]:
    if origin in (dict, UntypedStripeObject):
        item = typing.get_args(hint)[-1]
        return [fault for key, one in value.items() for fault in _value_faults(item, one, f"{at}.{key}")]
    if origin is ListObject or hint is ListObject:
        known = {"object", "data", "has_more", "url"}
        faults = [f"{at}: a list with {sorted(value.keys() ^ known)}"] if value.keys() != known else []
        return faults + [fault for one in value["data"] for fault in object_faults(one, f"{at}>{one['object']}")]
    if is_typeddict(hint):
        return _typed_dict_faults(hint, value, at)
    if hint is UntypedStripeObject or (hint is StripeObject):
        return []
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _class_faults(hint, value, at)
    return [f"{at}: a hash where {hint} is expected"]
