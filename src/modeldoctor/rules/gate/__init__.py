"""What is said about the gate itself: suppressions and baselines that are no longer what they were."""
