rule track:
    input:
        predictions=shard_tables,
    output:
        tracks="results/tracks/{video}.parquet",
    log:
        "logs/track/{video}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        tracking=settings("tracking"),
    script:
        "../scripts/track.py"
