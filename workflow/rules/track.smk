rule track:
    input:
        predictions=recording_tables,
        indexes=recording_indexes,
        corrections=corrections,
    output:
        tracks="results/tracks/{recording}.parquet",
        review="results/review/{recording}.csv",
        suggestions="results/review/{recording}.slp",
    log:
        "logs/track/{recording}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        # A shard of 20,000 frames takes seconds.
        runtime=lambda wildcards: 30 + len(recording_tables(wildcards)) // 4,
    params:
        step=tracking_step,
        starts=recording_starts,
    script:
        "../scripts/track.py"
