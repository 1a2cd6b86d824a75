# As the rule `train`; but what fails is a hole in the experiment's table.
rule experiment_train:
    """The models of an experiment's run, which differ in something from those that are in use."""
    input:
        train=ancient(PLACES.dataset_side(f"{PLAN.dataset}", "train")),
        val=ancient(PLACES.dataset_side(f"{PLAN.dataset}", "val")),
    output:
        trained=PLACES.experiment_training("{experiment}", "{training}") / "trained.json",
        models=directory(PLACES.experiment_training("{experiment}", "{training}") / "models"),
    log:
        PLACES.log("experiment_train", "{experiment}", "{training}"),
    benchmark:
        PLACES.benchmark("experiment_train", "{experiment}", "{training}")
    conda:
        "../envs/poseflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=480,
        scheduler=lambda wildcards: find_scheduler(workflow),
    params:
        steps=lambda wildcards: {
            name: describe_training(profile) for name, profile in experiment_training(wildcards).profiles.items()
        },
        labels=lambda wildcards: experiment_training(wildcards).labels,
        draw=lambda wildcards: experiment_training(wildcards).draw,
        channels=PLAN.channels,
    script:
        "../scripts/experiment_train.py"


rule experiment_evaluate:
    """How well the models of an experiment's run find the labeled animals."""
    input:
        trained=PLACES.experiment_training("{experiment}", "{training}") / "trained.json",
        models=PLACES.experiment_training("{experiment}", "{training}") / "models",
        measured=lambda wildcards: PLACES.dataset_side(
            f"{PLAN.dataset}", PLAN.experiments[wildcards.experiment].config.measured_on
        ),
    output:
        metrics=PLACES.experiment_run("{experiment}", "{training}", "{run}") / "metrics.json",
        figures=directory(PLACES.experiment_run("{experiment}", "{training}", "{run}") / "figures"),
        examples=directory(PLACES.experiment_run("{experiment}", "{training}", "{run}") / "examples"),
    log:
        PLACES.log("experiment_evaluate", "{experiment}", "{training}", "{run}"),
    benchmark:
        PLACES.benchmark("experiment_evaluate", "{experiment}", "{training}", "{run}")
    conda:
        "../envs/poseflow.yaml"
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        step=step("evaluate"),
        predict=lambda wildcards: experiment_run(wildcards).predict.model_dump(mode="json", exclude_defaults=True),
        pixels_per_mm=label_scales(),
    script:
        "../scripts/experiment_evaluate.py"


rule experiment:
    """The table of an experiment: what each run came to."""
    input:
        trained=experiment_trained,
        metrics=experiment_metrics,
    output:
        table=PLACES.experiment_table("{experiment}"),
    log:
        PLACES.log("experiment", "{experiment}"),
    benchmark:
        PLACES.benchmark("experiment", "{experiment}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        step=step("experiment"),
        runs=lambda wildcards: [[dict(run.values), run.replicate] for run in runs_of(wildcards)],
    script:
        "../scripts/experiment.py"
