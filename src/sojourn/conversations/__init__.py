"""What people write to us: one owner a message, open questions, and the thread of a person with a sender."""
