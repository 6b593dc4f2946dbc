"""What puts load on a subject, on the core of the backends."""
