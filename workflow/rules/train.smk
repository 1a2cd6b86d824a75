from poseflow.cluster import find_scheduler


# A job of its own. Where the resource `scheduler` says local or slurm, submitit gives it the machine, and the rule's
# job is a small process that waits; elsewhere the rule is an ordinary one, and a retry goes on after the last epoch.
rule train:
    """A model from its profile and a dataset."""
    input:
        # The version is a key of the labels' and the profile's content. (Use `ancient` sparingly: Snakemake looks for
        # no changed settings below a job that runs, so beyond an ancient file it would miss them until the next run.)
        train=ancient(PLACES.dataset_side(f"{PLAN.dataset}", "train")),
        val=ancient(PLACES.dataset_side(f"{PLAN.dataset}", "val")),
    output:
        config=PLACES.model("{model}", "{version}") / "config.yaml",
        skeleton=PLACES.model("{model}", "{version}") / "skeleton.json",
        weights=PLACES.model("{model}", "{version}") / "model.weights.h5",
        history=PLACES.model("{model}", "{version}") / "history.csv",
        training=PLACES.model("{model}", "{version}") / "training.json",
        dataset=PLACES.model("{model}", "{version}") / "dataset.json",
        pictures=directory(PLACES.model("{model}", "{version}") / "pictures"),
        tensorboard=directory(PLACES.model("{model}", "{version}") / "tensorboard"),
    log:
        PLACES.log("train", "{model}", "{version}"),
    benchmark:
        PLACES.benchmark("train", "{model}", "{version}")
    conda:
        "../envs/poseflow.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=240,
        scheduler=lambda wildcards: find_scheduler(workflow),
    params:
        step=lambda wildcards: describe_training(PLAN.profiles[wildcards.model]),
    script:
        "../scripts/train.py"
