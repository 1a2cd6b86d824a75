rule predict:
    input:
        index="results/index/{video}.json",
        video=video_input,
        release="results/predictions/{video}/release.json",
    output:
        predictions="results/predictions/{video}/{shard}.parquet",
    log:
        "logs/predict/{video}/{shard}.log",
    benchmark:
        "results/benchmarks/predict/{video}/{shard}.tsv"
    conda:
        "../envs/poseflow.yaml"
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        step=step("predict"),
    script:
        "../scripts/predict.py"
