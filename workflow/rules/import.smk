if PLAN.sources:

    rule import_predictions:
        """What another program found in one shard of a recording's frames."""
        input:
            index=PLACES.index("{video}"),
            video=video_at_hand,
            file=lambda wildcards: PLAN.sources[wildcards.video].file,
        output:
            predictions=PLACES.shard("{video}", "{shard}"),
        log:
            PLACES.log("import_predictions", "{video}", "{shard}"),
        benchmark:
            PLACES.benchmark("import_predictions", "{video}", "{shard}")
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=growing(4000),
            runtime=60,
        params:
            step=step("import_predictions"),
            number=lambda wildcards: PLAN.sources[wildcards.video].number,
            digest=lambda wildcards: PLAN.sources[wildcards.video].digest,
        script:
            "../scripts/import_predictions.py"

    rule index_predictions:
        """A recording that is not there, as a file of predictions tells of it."""
        input:
            file=lambda wildcards: PLAN.sources[wildcards.video].file,
        output:
            index=PLACES.index("{video}"),
        log:
            PLACES.log("index_predictions", "{video}"),
        benchmark:
            PLACES.benchmark("index_predictions", "{video}")
        wildcard_constraints:
            video="|".join(map(re.escape, videos_not_at_hand())) or "(?!)",
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=30,
        params:
            number=lambda wildcards: PLAN.sources[wildcards.video].number,
        script:
            "../scripts/index_predictions.py"

    ruleorder: import_predictions > predict
    ruleorder: index_predictions > index
