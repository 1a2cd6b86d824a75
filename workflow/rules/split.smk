rule split:
    """Labeled frames as training, validation and test set, fixed by seed, each one file with its images."""
    input:
        # What the labels say is in the dataset's name: a file that was only touched costs nothing.
        labels=ancient(PLAN.labels),
        corrections=ancient([path for own in PLAN.corrected.recordings.values() for path in own.files]),
    output:
        train=PLACES.dataset_side("{dataset}", "train"),
        val=PLACES.dataset_side("{dataset}", "val"),
        test=PLACES.dataset_side("{dataset}", "test"),
    log:
        PLACES.log("split", "{dataset}"),
    benchmark:
        PLACES.benchmark("split", "{dataset}")
    conda:
        "../envs/poseflow.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        step=step("split"),
        labels=step("labels"),
        video_folders=CONFIG.labels.video_folders,
        channels=PLAN.channels,
        corrected={
            recording: {"files": list(map(str, own.files)), "videos": own.paths}
            for recording, own in PLAN.corrected.recordings.items()
        },
    script:
        "../scripts/split.py"
