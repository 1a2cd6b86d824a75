rule extract:
    input:
        index="results/index/{video}.json",
        video=lambda wildcards: ancient(readable_video(wildcards)),
        labels=PLAN.labels,
        predictions=starting_points,
    output:
        suggestions="results/suggestions/{video}.pkg.slp",
    log:
        "logs/extract/{video}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        extract=settings("extract"),
        labels=settings("labels"),
    script:
        "../scripts/extract.py"
