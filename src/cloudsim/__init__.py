"""An offline simulator of the WhatsApp Cloud API. It is its own program and imports nothing of the product."""

VERSION = "0.1.0"
