"""Every shape that crosses a boundary; imports nothing of ours and touches nothing."""
