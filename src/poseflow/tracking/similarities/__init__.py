"""How alike an instance and a candidate are, a similarity a file (named in `poseflow.config.SIMILARITIES`)."""
