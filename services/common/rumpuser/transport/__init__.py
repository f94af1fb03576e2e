"""How calls reach a component: in this process, or over gRPC."""
