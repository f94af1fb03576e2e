"""The packet filter and address translator (npf(7)): rules, connections, translation.

A packet goes through in this order: it is taken apart (flow.py); a connection that it belongs to lets it pass (conn.py,
tcpstate.py); else the rules decide (rules.py), and a stateful rule begins a connection; then addresses are translated
(nat.py), and the rule's procedure is applied (procedure.py). filter.py is that way, and what the layers of IP call.
"""
