"""A forwarder of DNS questions, with a cache."""
