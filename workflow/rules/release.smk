if PLAN.release:

    rule release:
        input:
            models=settings_files(),
        output:
            release=f"results/releases/{PLAN.release}.json",
        log:
            f"logs/release/{PLAN.release}.log",
        localrule: True
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            id=PLAN.release,
            models={name: str(folder) for name, folder in PLAN.models.items()},
        script:
            "../scripts/release.py"

    # Runs once for each candidate. That current.json was rewritten since, by `poseflow rollback`, does not start it.
    rule promote:
        input:
            candidate=f"results/releases/{PLAN.release}.json",
            metrics=evaluations,
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
