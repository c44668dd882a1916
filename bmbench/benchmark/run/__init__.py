"""One run: plan → stages → records, resumed, decoded again, or applied to other images."""
