rule release:
    """Models that run together over recordings."""
    input:
        models=settings_files,
        validation=PLACES.dataset_side(f"{PLAN.dataset}", "val") if MEASURES_RUNTIMES else [],
    output:
        release=PLACES.release("{release}"),
    log:
        PLACES.log("release", "{release}"),
    benchmark:
        PLACES.benchmark("release", "{release}")
    wildcard_constraints:
        # Those of earlier runs are files like any other.
        release="|".join(pipeline.key for pipeline in PLAN.pipelines.values()) or "(?!)",
    localrule: not MEASURES_RUNTIMES
    conda:
        "../envs/poseflow.yaml"
    threads: 2 if MEASURES_RUNTIMES else 1
    resources:
        mem_mb=8000 if MEASURES_RUNTIMES else 1000,
        runtime=60 if MEASURES_RUNTIMES else 10,
    params:
        **({"step": step("predict")} if MEASURES_RUNTIMES else {}),
        models=lambda wildcards: {name: str(folder) for name, folder in PLAN.folders_of(wildcards.release).items()},
        labels=PLAN.labels_key if PLAN.dataset else None,
    script:
        "../scripts/release.py"


if PLAN.release:

    # That current.json was rewritten since, by `poseflow rollback`, does not start it.
    rule promote:
        """Which release is in use for new recordings: the candidate, if it is better. Runs once for each candidate."""
        input:
            candidate=PLACES.release(PLAN.release),
            metrics=compared_metrics,
        output:
            current=PLACES.current_release,
        log:
            PLACES.log("promote", PLAN.release),
        benchmark:
            PLACES.benchmark("promote", PLAN.release)
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

    rule assign:
        """The release of each recording that has none yet: given once, so a recording never mixes two."""
        input:
            current=PLACES.current_release,
        output:
            releases=list(map(PLACES.assigned_release, PLAN.unassigned)),
        log:
            PLACES.log("assign"),
        benchmark:
            PLACES.benchmark("assign")
        localrule: True
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=1000,
            runtime=10,
        script:
            "../scripts/assign.py"
