"""The WhatsApp Business (Cloud) API: the one place that knows a Graph API field name."""
