"""The forward loop: input -> event -> decision -> orders. One consumer, urgent inputs first."""
