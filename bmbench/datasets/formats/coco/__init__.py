"""COCO JSON, the canonical form."""
