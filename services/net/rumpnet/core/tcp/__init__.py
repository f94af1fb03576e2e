"""TCP (tcp(4)), as RFC 9293 describes it.

Read in this order: `state` (what there is), `tcb` (what is known of a connection), `handshake`, `input` and `output`
(what a segment does, what is sent), `scoreboard`, `recovery`, `congestion` and `rtt` (what is lost, how fast, how long
to wait), `timers` and `wheel`; then `listen`, `fastopen` and `timewait` (before and after a connection), `layer` (the
protocol), `ends` (its ports), `stream` and `socket` (its users).
"""
