"""The Berkeley packet filter (bpf(4)): programs, and the descriptors through which packets are read and written."""
