"""The vocabulary: frozen values and enums that every room speaks. Standard library only, no behaviour beyond naming."""
