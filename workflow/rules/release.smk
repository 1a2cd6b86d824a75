rule release:
    input:
        models=settings_files,
    output:
        release="results/releases/{release}.json",
    log:
        "logs/release/{release}.log",
    wildcard_constraints:
        # Those of earlier runs are files like any other.
        release="|".join(pipeline.key for pipeline in PLAN.pipelines.values()) or "(?!)",
    localrule: True
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=lambda wildcards: {name: str(folder) for name, folder in PLAN.folders_of(wildcards.release).items()},
        labels=PLAN.labels_key if PLAN.dataset else None,
    script:
        "../scripts/release.py"


if PLAN.release:

    # Runs once for each candidate. That current.json was rewritten since, by `poseflow rollback`, does not start it.
    rule promote:
        input:
            candidate=f"results/releases/{PLAN.release}.json",
            metrics=judged_metrics,
        output:
            current="results/promotion/current.json",
        log:
            f"logs/promote/{PLAN.release}.log",
        localrule: True
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            block_frames=1 if CONFIG.split.by == "frame" else CONFIG.split.block_frames,
        script:
            "../scripts/promote.py"


if PLAN.unassigned:

    # A recording's release is given once, before its first shard, and stays; so a recording never mixes two.
    rule assign:
        input:
            current="results/promotion/current.json",
        output:
            releases=[release_of(video) for video in PLAN.unassigned],
        log:
            "logs/assign.log",
        localrule: True
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=1000,
            runtime=10,
        script:
            "../scripts/assign.py"
