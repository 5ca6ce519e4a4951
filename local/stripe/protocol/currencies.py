"""The currencies that Stripe takes (https://docs.stripe.com/currencies#presentment-currencies)."""

from .scalars import refuse

LISTED = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf
    chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg
    huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt
    mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar
    sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd
    xcg xof xpf yer zar zmw
"""
CURRENCIES = LISTED.split()
KNOWN = frozenset(CURRENCIES)
WITHOUT_DECIMALS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
WITH_THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def decimals_of(code: str) -> int:
    """https://docs.stripe.com/currencies#zero-decimal and #three-decimal"""
    return 0 if code in WITHOUT_DECIMALS else 3 if code in WITH_THREE_DECIMALS else 2


def currency(value: str, name: str) -> str:
    """In either case, as Stripe takes it; shown in lower case."""
    if value.lower() not in KNOWN:
        raise refuse(
            f"Invalid currency: {value[:100]}. Stripe currently supports these currencies: {', '.join(CURRENCIES)}",
            name,
        )
    return value
