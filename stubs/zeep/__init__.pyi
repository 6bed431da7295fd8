from zeep.settings import Settings as Settings
