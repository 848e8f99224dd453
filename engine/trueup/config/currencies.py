"""Currency codes of ISO 4217, list one, without metals, funds and codes for testing.

The list changes about once a year. The two codes that were replaced last (ANG, BGN) are still
accepted.
"""

from trueup.model.suggestions import nearest

_LIST = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""

CODES = frozenset(_LIST.split())


def closest_code(wrong: str) -> str | None:
    """Returns the code that was most likely meant, or None.

    A code with the same letters in another order comes first: GBP for GPB.
    """
    reordered = [code for code in sorted(CODES) if sorted(code) == sorted(wrong)]
    return reordered[0] if reordered else nearest(wrong, CODES)
