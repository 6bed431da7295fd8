from onvif.client import ONVIFService as ONVIFService
from onvif.exceptions import ONVIFError as ONVIFError
