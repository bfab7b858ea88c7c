"""How a message leaves and what comes back: senders, content, transports, webhooks, media."""
