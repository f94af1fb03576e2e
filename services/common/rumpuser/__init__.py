"""Host boundary and chassis that every component shares."""
