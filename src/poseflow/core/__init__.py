"""What every room builds on: errors, whole files, logs, skeletons, likeness of poses, optimal matching."""
