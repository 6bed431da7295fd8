"""What operators set aside for a while: held and shunted doors, disabled readers, panic points out of service (S13, S19)."""
