"""People and their cards: what the site says of them, and how a card is known without keeping its number.

In: the people's sections of the YAML, and bits from readers. Out: the register as the judge needs it, and keyed hashes.
"""
