"""What file systems that stand on others have in common (layerfs(9))."""
