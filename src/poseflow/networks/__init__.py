"""Networks: backbones, heads, how they are put together, and how maps become points."""
