rule split:
    input:
        # What the labels say is in the dataset's name: a file that was only touched costs nothing.
        labels=ancient(PLAN.labels),
    output:
        train="results/datasets/{dataset}/train.pkg.slp",
        val="results/datasets/{dataset}/val.pkg.slp",
        test="results/datasets/{dataset}/test.pkg.slp",
    log:
        "logs/split/{dataset}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        step=step("split"),
        labels=step("labels"),
        video_folders=CONFIG.labels.video_folders,
        channels=PLAN.channels,
    script:
        "../scripts/split.py"
